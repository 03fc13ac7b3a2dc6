package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// BlameKind says what is to blame.
type BlameKind string

// The kinds.
const (
	BlameInstruction BlameKind = "instruction" // the instruction at Location
	BlameBase        BlameKind = "base-image"  // it came with the base image; Location is the FROM that chose it
	BlameUnknown     BlameKind = "unknown"     // it cannot be told; Because says why
)

// Blame says who is to blame, and why that is not known when it is not.
type Blame struct {
	Kind    BlameKind `json:"kind"`
	Because string    `json:"because,omitempty"`
}

// Cause is the answer to "which line": an instruction, the base image, or unknown with a reason.
type Cause struct {
	Blame    Blame
	By       *dockerfile.Instruction // nil if unknown
	Location *Location
	Layer    *LayerRef
	Chain    []Evidence // the lines that lead to it: COPY --from, then RUN go build
}

// Of fills the cause into a finding; its chain ends the evidence.
func (c Cause) Of(f Finding) Finding {
	f.Blame, f.Location = c.Blame, c.Location
	if f.Layer == nil {
		f.Layer = c.Layer
	}
	f.Evidence = append(f.Evidence, c.Chain...)
	return f
}

// blame is the alignment of a subject, made once by Prepare.
type blame struct {
	final *dockerfile.Stage
	alignment
}

// Prepare completes a subject that a caller has put together: it follows PID 1 to the program, marks that program as
// the entry, and pairs the image's history with the Dockerfile. Call it once, before Run.
func (s *Subject) Prepare() {
	s.prepareStart()
	s.prepareBlame()
}

func (s *Subject) prepareBlame() {
	b := &blame{}
	s.blame = b
	if s.Dockerfile == nil {
		b.fault = "no Dockerfile was given"
		return
	}
	b.final = s.Dockerfile.Final()
	if s.Image == nil {
		return
	}
	if len(s.Image.History) == 0 {
		b.fault = "the image has no history"
		return
	}
	b.alignment = align(s.Image.History, chain(b.final))
	if b.fault == "" && b.own > 0 && b.final.Root().Scratch() {
		b.fault = fmt.Sprintf("the image's history has %d steps before the Dockerfile's first, which starts from scratch", b.own)
	}
	if b.fault != "" {
		b.fault = "the Dockerfile is not the one this image was built from: " + b.fault
	}
}

// squashed reports whether the one layer of the image may hold the base image's files too: the base has files, but no
// step of the history.
func (b *blame) squashed(layers int) bool {
	return layers == 1 && b.own == 0 && !b.final.Root().Scratch()
}

// chain lists the instructions of a stage after those of the stages it starts from.
func chain(s *dockerfile.Stage) []*dockerfile.Instruction {
	if s == nil {
		return nil
	}
	return append(chain(s.Parent), s.Instructions...)
}

// DockerfileFits reports whether the subject's Dockerfile can be blamed: there is one, and nothing in the image says
// that it is another image's. The text says why not.
func (s *Subject) DockerfileFits() (bool, string) { return s.blame.fault == "", s.blame.fault }

func (s *Subject) unknown(format string, args ...any) Cause {
	return Cause{Blame: Blame{Kind: BlameUnknown, Because: fmt.Sprintf(format, args...)}}
}

// BlameLine blames an instruction of the Dockerfile that is known to be at fault.
func (s *Subject) BlameLine(in *dockerfile.Instruction) Cause {
	return s.BlameSpan(in, in.Span)
}

// BlameSpan blames a part of an instruction.
func (s *Subject) BlameSpan(in *dockerfile.Instruction, sp dockerfile.Span) Cause {
	return Cause{Blame: Blame{Kind: BlameInstruction}, By: in, Location: s.locate(sp)}
}

// BlameBase blames the FROM that chose the final stage's base image.
func (s *Subject) BlameBase() Cause {
	if ok, because := s.DockerfileFits(); !ok {
		return s.unknown("%s", because)
	}
	return s.fromLine(Blame{Kind: BlameInstruction})
}

// fromLine points at the FROM of the stage whose base is an image, and at the FROM of the final stage if that is another one.
func (s *Subject) fromLine(b Blame) Cause {
	from := s.blame.final.Root().From
	return Cause{Blame: b, By: from, Location: s.locate(from.Span)}
}

// BlameSetting blames the instruction that set something of the config (USER, ENTRYPOINT, an ENV); in is nil when
// nothing in the Dockerfile sets it, and the base image is to blame then.
func (s *Subject) BlameSetting(in *dockerfile.Instruction, what string) Cause {
	if ok, because := s.DockerfileFits(); !ok {
		return s.unknown("%s", because)
	}
	if in == nil {
		return s.fromLine(Blame{Kind: BlameBase, Because: what + " comes from the base image"})
	}
	return s.BlameLine(in)
}

// BlamePath blames the instruction that put a path into the image.
func (s *Subject) BlamePath(p string) Cause {
	if s.Image == nil || s.Image.FS == nil {
		if ok, because := s.DockerfileFits(); !ok {
			return s.unknown("%s", because)
		}
		if from := s.Dockerfile.Origin(s.blame.final, p); len(from) > 0 {
			return s.BlameLine(from[0])
		}
		return s.unknown("no line of the Dockerfile is known to make %s", p)
	}
	e, ok := s.Image.FS.Entry(p)
	if !ok {
		return s.unknown("%s is not in the image", p)
	}
	return s.blameLayer(e.Layer, p)
}

// BlameAbsence blames whoever removed one of the paths that would have served, else the base that never had it.
func (s *Subject) BlameAbsence(paths ...string) Cause {
	if s.Image != nil && s.Image.FS != nil {
		for _, p := range paths {
			d, ok := s.Image.FS.Deleted(p)
			if !ok {
				continue
			}
			c := s.blameLayer(d.Layer, "")
			c.Chain = append(c.Chain, Seen(LevelImage, "%s was in layer %d and is removed by layer %d", d.Path, d.Was, d.Layer))
			return c
		}
	}
	return s.BlameBase()
}

// blameLayer blames the instruction that made a layer; in a layer of several instructions the one that made path.
func (s *Subject) blameLayer(index int, p string) Cause {
	ref, step := s.layer(index)
	if step < 0 && s.belowOwn(index) {
		c := s.fromLine(Blame{Kind: BlameBase, Because: "it comes from the base image, which has no history"})
		c.Layer = ref
		return c
	}
	c := s.blameStep(step, p)
	c.Layer = ref
	return c
}

// belowOwn reports whether a layer without a step lies below one that the Dockerfile made: its history fits, and the
// builder added its own layers on top.
func (s *Subject) belowOwn(index int) bool {
	if s.blame.fault != "" || index < 0 || s.blame.final.Root().Scratch() {
		return false
	}
	return slices.ContainsFunc(s.Image.Layers[index:], func(l layers.Layer) bool { return l.Step >= s.blame.own })
}

func (s *Subject) blameStep(step int, p string) Cause {
	b := s.blame
	switch {
	case b.fault != "":
		return s.unknown("%s", b.fault)
	case step < 0:
		return s.unknown("the image's history does not say which step made its layer")
	case step < b.own:
		return s.fromLine(Blame{Kind: BlameBase, Because: "it comes from the base image " + b.final.Root().Base})
	}
	writers := b.writers(s.Image.History, step)
	if b.squashed(len(s.Image.Layers)) {
		writers = slices.DeleteFunc(wrote(writers, p), func(in *dockerfile.Instruction) bool { return in.Copy == nil || !in.Copy.Makes(p) })
		if len(writers) == 0 {
			return s.unknown("the image is squashed: its one layer holds the base image and the work of all lines")
		}
	}
	if len(writers) > 1 {
		writers = wrote(writers, p)
	}
	switch len(writers) {
	case 0:
		return s.unknown("history step %d has no instruction that writes files", step+1)
	case 1:
		return s.BlameLine(writers[0])
	}
	var lines []string
	for _, w := range writers {
		lines = append(lines, fmt.Sprint(w.Span.Start.Line))
	}
	return s.unknown("one layer holds the work of lines %s", strings.Join(lines, ", "))
}

// wrote narrows the instructions that share a layer down to those that may have made a path: the last COPY or ADD
// to exactly that path, else every COPY that covers it and every RUN.
func wrote(group []*dockerfile.Instruction, p string) []*dockerfile.Instruction {
	if p == "" {
		return group
	}
	var may []*dockerfile.Instruction
	for _, in := range group {
		switch {
		case in.Copy == nil:
			may = append(may, in)
		case in.Copy.Makes(p):
			may = []*dockerfile.Instruction{in} // it replaces whatever was there
		case in.Copy.Covers(p):
			may = append(may, in)
		}
	}
	if len(may) > 1 && may[0].Copy != nil && may[0].Copy.Makes(p) && !mentioned(may[1:], p) {
		return may[:1]
	}
	return may
}

// mentioned reports whether a later RUN names the path, or a later COPY covers it.
func mentioned(later []*dockerfile.Instruction, p string) bool {
	for _, in := range later {
		if in.Copy != nil || strings.Contains(in.Text, p) {
			return true
		}
	}
	return false
}

// layer describes a layer and the history step that made it, -1 if that is not known.
func (s *Subject) layer(index int) (*LayerRef, int) {
	if index < 0 || index >= len(s.Image.Layers) {
		return nil, -1
	}
	l := s.Image.Layers[index]
	return &LayerRef{Digest: l.Digest, Index: index, CreatedBy: l.CreatedBy}, l.Step
}

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

// BlameLayer blames the instruction that made a layer.
func (s *Subject) BlameLayer(index int) Cause { return s.blameLayer(index, "") }
