package target

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// notYet begins every reason why something is not foretold.
const notYet = "not known before the build: "

// notKnown is the reason that an instruction gives.
func notKnown(in *dockerfile.Instruction, because string) string {
	return fmt.Sprintf("%s%s in line %d: %s", notYet, in.Keyword, in.Span.Start.Line, because)
}

// lose says that nothing is known of the files from an instruction on.
func (m *made) lose(in *dockerfile.Instruction, because string) {
	if m.lost == "" {
		m.lost = notKnown(in, because)
	}
}

// apply foretells one instruction of a stage. The history is written as BuildKit writes it (commitToHistory).
func (p *predictor) apply(s *dockerfile.Stage, m *made, in *dockerfile.Instruction) {
	var step string
	var files []layers.File
	layer := false
	var err error
	switch in.Keyword {
	case "WORKDIR":
		layer = true
		step, files, err = p.applyWorkdir(s, m, in)
	case "USER":
		m.user, err = settingAt(in, s.User)
		step = "USER " + m.user
	case "COPY", "ADD":
		layer = true
		if m.lost == "" {
			if err = p.applyCopy(m, in); err == nil {
				return
			}
		}
		step = copyStep(in)
	case "RUN":
		layer = true
		step = p.runStep(s, in)
		if m.lost == "" {
			files, err = p.applyRun(s, m, in)
		}
	case "ONBUILD":
		return // it goes into the config
	default:
		step = p.configStep(s, in)
	}
	if err != nil {
		m.lose(in, err.Error())
	}
	if layer && files == nil {
		files = []layers.File{}
	}
	m.add(step, files)
}

// settingAt is the value of a USER or WORKDIR where it stands.
func settingAt(in *dockerfile.Instruction, final dockerfile.Setting) (string, error) {
	if final.By == in && final.Known {
		return final.Value, nil
	}
	if len(in.Words) == 1 && !strings.ContainsAny(in.Words[0].Value, "$\\\"'") {
		return in.Words[0].Value, nil
	}
	return "", fmt.Errorf("its value is not known")
}

// applyWorkdir makes the directory, of the user in force. Source: dispatchWorkdir.
func (p *predictor) applyWorkdir(s *dockerfile.Stage, m *made, in *dockerfile.Instruction) (step string, files []layers.File, err error) {
	dir, err := settingAt(in, s.WorkDir)
	if err != nil {
		return in.Keyword + " " + in.Text, nil, err
	}
	if !path.IsAbs(dir) {
		dir = path.Join("/", m.workdir, dir)
	}
	m.workdir = path.Clean(dir)
	step = "WORKDIR " + m.workdir
	if m.lost != "" {
		return step, nil, nil
	}
	tree, err := m.tree()
	if err != nil {
		return step, nil, err
	}
	real, err := rootPath(tree, m.workdir)
	if err != nil {
		return step, nil, err
	}
	dirs, err := missing(tree, real)
	if err != nil {
		return step, nil, err
	}
	o, err := ownerOf(tree, m.user, m.hazy)
	if err != nil && len(dirs) > 0 {
		return step, nil, err
	}
	files = []layers.File{}
	for _, d := range dirs {
		f := layers.File{Path: strings.TrimPrefix(d, "/") + "/", Mode: fs.ModeDir | 0o755}
		if o != nil {
			f.UID, f.GID = o.uid, o.gid
		}
		files = append(files, f)
	}
	return step, files, nil
}

// copyStep is what COPY and ADD write into the history.
func copyStep(in *dockerfile.Instruction) string {
	step := in.Keyword
	if hasFlag(in, "parents") {
		step += " --parents"
	}
	c := in.Copy
	if c == nil {
		return step + " " + in.Text + " # buildkit"
	}
	if c.Chown != "" {
		step += " --chown=" + c.Chown
	}
	if c.Chmod != "" {
		step += " --chmod=" + c.Chmod
	}
	for _, src := range c.Sources {
		step += " " + src
	}
	for _, h := range in.Heredocs {
		step += " <<" + h.Name
	}
	dest := c.Dest
	if n := len(in.Words); n > 0 && !strings.Contains(in.Words[n-1].Value, "$") {
		dest = in.Words[n-1].Value
	}
	return step + " " + dest + " # buildkit"
}

// runStep is what RUN writes into the history: the arguments in force, then the command.
func (p *predictor) runStep(s *dockerfile.Stage, in *dockerfile.Instruction) string {
	step := "RUN "
	if args := argsAbove(s, in); len(args) > 0 {
		step += fmt.Sprintf("|%d %s ", len(args), strings.Join(args, " "))
	}
	if in.JSON {
		return step + strings.Join(in.Run.Exec, " ") + " # buildkit"
	}
	return step + strings.Join(p.words(s, dockerfile.Command{Words: []string{in.Run.Script}, By: in}), " ") + " # buildkit"
}

// argsAbove lists the ARGs that a RUN sees, as K=V; one without a value has none.
func argsAbove(s *dockerfile.Stage, run *dockerfile.Instruction) []string {
	var args []string
	for _, in := range chainOf(s) {
		if in == run {
			break
		}
		if in.Keyword != "ARG" {
			continue
		}
		for _, v := range s.Args {
			for _, w := range in.Words {
				if key, _, _ := strings.Cut(w.Value, "="); key == v.Key && v.By == in {
					args = append(args, v.Key+"="+v.Value)
				}
			}
		}
	}
	return args
}
