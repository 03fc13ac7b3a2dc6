package repair

import (
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// rewritten is the ID of the rule whose finding takes more than edits: another file.
const rewritten = "single-stage"

// offerWhole gives a finding that no edit corrects a new text of the whole Dockerfile as its fix, and with it the ignore
// file that goes with it where there is none. Why there is no such text becomes the reason that the finding is left.
func (c *corrector) offerWhole(s *audit.Subject, findings []audit.Finding) {
	for i := range findings {
		f := &findings[i]
		if f.Rule != rewritten || f.Fix != nil || !c.wanted(f) {
			continue
		}
		plan, err := MultiStage(s)
		if err != nil {
			c.why[key(f)] = err.Error()
			continue
		}
		f.Fix = &audit.Fix{Title: "Build in one stage and ship another", Safety: plan.Safety, Edits: []dockerfile.Edit{
			{Span: wholeOf(s.Dockerfile), New: string(plan.Dockerfile())},
		}}
		c.whole[f.Fix] = true
		if s.Context != nil && s.Context.IgnoreFile == "" && len(plan.Ignore) > 0 {
			f.Fix.Edits = append(f.Fix.Edits, dockerfile.Edit{Path: ".dockerignore", New: string(plan.Dockerignore())})
		}
	}
}

// wholeOf is the span of all of a Dockerfile.
func wholeOf(f *dockerfile.File) dockerfile.Span {
	end := dockerfile.Position{Line: 1, Column: 1, Offset: len(f.Source)}
	for _, c := range f.Source {
		if end.Column++; c == '\n' {
			end.Line, end.Column = end.Line+1, 1
		}
	}
	return dockerfile.Span{Start: dockerfile.Position{Line: 1, Column: 1}, End: end}
}
