package audit

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// Skip notes that the rule could not judge something. The reason begins with "no" and names the part that is absent.
func (p *Pass) Skip(because string) {
	if s := (Skip{Rule: p.rule.ID, Because: because}); !slices.Contains(p.result.Skipped, s) {
		p.result.Skipped = append(p.result.Skipped, s)
	}
}

// BaseUnknown reports whether it is not known which image a stage starts from, because a build argument has no value. The
// rule that asks is then noted as one that could not judge.
func (p *Pass) BaseUnknown(s *dockerfile.Stage) bool {
	root := s.Root()
	if root.Base != "" {
		return false
	}
	var names []string
	for _, m := range p.Dockerfile.Missing {
		if m.By == root.From {
			names = append(names, m.Name)
		}
	}
	p.Skip("no value for --build-arg " + strings.Join(names, ", "))
	return true
}
