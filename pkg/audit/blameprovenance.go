package audit

import (
	"bytes"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// madeBy returns the instruction that made each layer of an image, FROM for those of the base image, by the builder's
// own provenance; nil if the image has none for this very text. Where the provenance says nothing an element is nil.
func madeBy(img *layers.Image, f *dockerfile.File) []*dockerfile.Instruction {
	if img.Provenance == nil || img.Provenance.Source == nil || !bytes.Equal(img.Provenance.Source, f.Source) {
		return nil
	}
	made := make([]*dockerfile.Instruction, len(img.Layers))
	for i, l := range img.Layers {
		if l.Line == 0 {
			continue
		}
		for _, stage := range f.Stages {
			if spans(stage.From, l) {
				made[i] = stage.From
			}
			for _, in := range stage.Instructions {
				if spans(in, l) {
					made[i] = in
				}
			}
		}
	}
	return made
}

// spans reports whether the lines of an instruction are those that made a layer.
func spans(in *dockerfile.Instruction, l layers.Layer) bool {
	return in.Span.Start.Line <= l.Line && l.LastLine <= in.Span.End.Line
}

// madeLayer returns the instruction that made a layer, nil if the provenance does not say.
func (s *Subject) madeLayer(index int) *dockerfile.Instruction {
	if index < 0 || index >= len(s.blame.made) {
		return nil
	}
	return s.blame.made[index]
}
