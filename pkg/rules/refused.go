package rules

import "github.com/imgaudit/imgaudit/pkg/audit"

// checkRefused tells of a Dockerfile that BuildKit does not build at all. Nothing else is known of it.
func checkRefused(p *audit.Pass) {
	p.Report(p.BlameRefusal().Of(audit.Finding{
		Message:  "BuildKit refuses the Dockerfile: " + p.Refused.Msg,
		Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "BuildKit's own parser says so; the rest of the file was not looked at")},
		Remedy:   "Correct the line, and run again",
	}))
}
