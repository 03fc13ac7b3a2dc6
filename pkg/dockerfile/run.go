package dockerfile

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// applyRun fills in.Run: what runs, with which mounts, and the go builds in it.
func (r *reader) applyRun(st *state, p step, c *instructions.RunCommand) error {
	run := &Run{}
	if p.in.JSON {
		run.Exec = slices.Clone(c.CmdLine)
	} else if p.in.script != nil {
		run.Script = p.in.script.s
	}
	p.in.Run = run
	err := r.mounts(st, p.in, c)
	st.builds(p.in)
	return err
}

// mounts expands the --mount flags. A mount that BuildKit cannot read because a value is unknown is no error.
func (r *reader) mounts(st *state, in *Instruction, c *instructions.RunCommand) error {
	allKnown := true
	err := c.Expand(func(word string) (string, error) {
		value, isKnown, err := st.expand(word)
		allKnown = allKnown && isKnown
		r.needs(in, st.scope, word, isKnown)
		return value, err
	})
	if err != nil {
		if !allKnown {
			return nil
		}
		return err
	}
	var spans []Span
	for _, f := range in.Flags {
		if f.Name == "mount" {
			spans = append(spans, f.Span)
		}
	}
	for k, m := range instructions.GetMounts(c) {
		mount := Mount{Type: string(m.Type), Target: m.Target, Source: m.Source, From: m.From, ID: m.CacheID}
		if m.Env != nil {
			mount.Env = *m.Env
		}
		if k < len(spans) {
			mount.Span = spans[k]
		}
		in.Run.Mounts = append(in.Run.Mounts, mount)
	}
	return nil
}
