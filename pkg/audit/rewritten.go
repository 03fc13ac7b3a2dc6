package audit

import "github.com/imgaudit/imgaudit/pkg/dockerfile"

// Rewritten is the prepared subject with another text of its Dockerfile and another view of its build context. Its image
// and programs stay as they were: they are older than the text then.
//
// moved tells which instruction of the new text stands for one of the old, so that a layer is still blamed on the line
// that made it; nil to pair image and text anew.
func (s *Subject) Rewritten(f *dockerfile.File, c *dockerfile.Context, moved map[*dockerfile.Instruction]*dockerfile.Instruction) *Subject {
	t := *s
	t.Dockerfile, t.Context = f, c
	if moved == nil {
		t.prepareBlame()
		return &t
	}
	b := &blame{final: f.Final(), alignment: alignment{own: s.blame.own, fault: s.blame.fault}}
	for _, in := range s.blame.steps {
		b.steps = append(b.steps, moved[in])
	}
	for _, in := range s.blame.made {
		b.made = append(b.made, moved[in])
	}
	t.blame = b
	return &t
}
