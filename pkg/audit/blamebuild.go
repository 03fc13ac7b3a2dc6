package audit

import (
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// BlameBuild blames the go build line that made a program, followed from the final image through COPY --from; the
// line that copied it when the build is out of sight.
func (s *Subject) BlameBuild(prog *Program) Cause {
	c := s.BlamePath(prog.Path)
	if c.By == nil || c.Blame.Kind != BlameInstruction {
		return c
	}
	origin := s.Dockerfile.Origin(s.blame.final, prog.Path)
	if len(origin) == 0 || origin[0] != c.By {
		return c
	}
	c.Chain = nil
	made := prog.Path
	for _, in := range origin[:len(origin)-1] {
		c.Chain = append(c.Chain, s.At(in, "%s is put there by %s", made, oneLine(in)))
		if in.Copy == nil {
			continue
		}
		if source := in.Copy.Source(made); source != "" {
			made = source
		}
	}
	last := origin[len(origin)-1]
	c.By, c.Location = last, s.locate(last.Span)
	if build, ok := buildOf(origin, prog.Path); ok {
		c.Location = s.locate(build.Span)
	}
	return c
}

// buildOf returns the go build command at the end of a chain of instructions that made the program at p: the only one
// of its RUN, or the one whose output is the path that the COPYs before it took.
func buildOf(origin []*dockerfile.Instruction, p string) (dockerfile.GoBuild, bool) {
	last := origin[len(origin)-1]
	if last.Run == nil || len(last.Run.Builds) == 0 {
		return dockerfile.GoBuild{}, false
	}
	if len(last.Run.Builds) == 1 {
		return last.Run.Builds[0], true
	}
	for _, in := range origin[:len(origin)-1] {
		if in.Copy != nil {
			p = in.Copy.Source(p)
		}
	}
	for _, b := range last.Run.Builds {
		if b.Output != "" && b.Output == p {
			return b, true
		}
	}
	return dockerfile.GoBuild{}, false
}

// oneLine is an instruction as written, on one line, shortened.
func oneLine(in *dockerfile.Instruction) string {
	s := in.Keyword
	for _, f := range in.Flags {
		s += " --" + f.Name + "=" + f.Value
	}
	s += " " + strings.Join(strings.Fields(in.Text), " ")
	const most = 100
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}
