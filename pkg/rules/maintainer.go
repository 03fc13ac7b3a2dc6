package rules

import (
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var maintainerDeprecated = &audit.Rule{
	ID:       "maintainer-deprecated",
	Title:    "MAINTAINER is deprecated",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "MAINTAINER in a stage that the target needs.",
		Why:    "It writes a field of the image's config that tools no longer read; the label org.opencontainers.image.authors is what they look for.",
		Unless: "Something still reads the Author field.",
	},
	Check: checkMaintainer,
}

const authorsLabel = "org.opencontainers.image.authors"

func checkMaintainer(p *audit.Pass) {
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		if in.Keyword != "MAINTAINER" {
			return
		}
		p.Report(p.BlameSpan(in, part(in.Span, 0, len(in.Keyword))).Of(audit.Finding{
			Message:  "MAINTAINER is deprecated: the label " + authorsLabel + " says it now",
			Evidence: []audit.Evidence{p.At(in, "it stands in %s", stageName(stage))},
			Remedy:   "Write LABEL " + authorsLabel + "=\"..\"",
			Fix:      labelFix(p, stage, in),
		}))
	})
}

// labelFix writes the label in place of the instruction. LABEL expands variables and reads quotes, which MAINTAINER does
// not: texts with such are left alone, and so is a stage that has the label.
func labelFix(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) *audit.Fix {
	if len(in.Words) != 1 || strings.ContainsAny(in.Text, "\"'$\\`\n") || strings.Contains(p.Dockerfile.Text(in.Span), "\n") {
		return nil
	}
	for _, o := range stage.Instructions {
		if o != in && (o.Keyword == "MAINTAINER" || o.Keyword == "LABEL" && strings.Contains(o.Text, authorsLabel)) {
			return nil
		}
	}
	return &audit.Fix{
		Title:  "Write the label",
		Safety: audit.Safe,
		Edits:  []dockerfile.Edit{{Span: in.Span, New: "LABEL " + authorsLabel + `="` + strings.TrimSpace(in.Text) + `"`}},
	}
}
