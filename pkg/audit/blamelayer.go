package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

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
	if in := s.madeLayer(index); in != nil {
		c := s.BlameLine(in)
		if in.Keyword == "FROM" {
			c = s.fromLine(Blame{Kind: BlameBase, Because: "it comes from the base image " + s.blame.final.Root().Base})
		}
		c.Layer = ref
		return c
	}
	if step < 0 && s.belowOwn(index) {
		c := s.fromLine(Blame{Kind: BlameBase, Because: "it comes from the base image, which has no history"})
		c.Layer = ref
		return c
	}
	c := s.blameStep(step, p)
	c.Layer = ref
	if base := s.Image.Base; c.Blame.Kind == BlameUnknown && base != nil && index >= 0 && index < base.Layers {
		c.Blame.Because = "it comes from the base image " + base.Name + "; " + c.Blame.Because
	}
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

// squashed reports whether the one layer of the image may hold the base image's files too: the base has files, but no
// step of the history.
func (b *blame) squashed(layers int) bool {
	return layers == 1 && b.own == 0 && !b.final.Root().Scratch()
}

// BlameLayer blames the instruction that made a layer.
func (s *Subject) BlameLayer(index int) Cause { return s.blameLayer(index, "") }
