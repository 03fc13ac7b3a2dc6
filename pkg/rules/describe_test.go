package rules_test

import (
	"fmt"
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// describe writes findings as want.findings has them.
func describe(findings []audit.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		where := string(f.Blame.Kind)
		if f.Location != nil {
			where = fmt.Sprintf("%s:%d:%d", path.Base(f.Location.File), f.Location.Line, f.Location.Column)
			if f.Blame.Kind != audit.BlameInstruction {
				where += " (" + string(f.Blame.Kind) + ")"
			}
		}
		fmt.Fprintf(&b, "%s %s %s: %s\n", f.Severity, f.Certainty, where, f.Message)
	}
	if b.Len() == 0 {
		return "none\n"
	}
	return b.String()
}
