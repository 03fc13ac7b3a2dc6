package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var duplicateInstruction = &audit.Rule{
	ID:       "duplicate-instruction",
	Title:    "an instruction is overridden before anything uses it",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "Several CMD, ENTRYPOINT, HEALTHCHECK or STOPSIGNAL in one stage; USER and SHELL that a later one overrides with no line between that runs under them; EXPOSE of ports that the stage exposes already.",
		Why:    "Only the last one counts: the reader of the first is misled, and whoever edits it changes nothing.",
		Unless: "The first is kept on purpose, as a default that a generated line overrides.",
	},
	Check: checkDuplicates,
}

// users are the instructions that make a setting matter.
var users = map[string][]string{
	"CMD":         nil,
	"ENTRYPOINT":  nil,
	"HEALTHCHECK": nil,
	"STOPSIGNAL":  nil,
	"USER":        {"RUN", "COPY", "ADD", "WORKDIR", "ONBUILD"},
	"SHELL":       {"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"},
}

func checkDuplicates(p *audit.Pass) {
	for _, stage := range p.Dockerfile.Stages {
		if !p.Dockerfile.Reachable(stage) {
			continue
		}
		last := map[string]*dockerfile.Instruction{} // not yet used
		ports := map[string]*dockerfile.Instruction{}
		for _, in := range stage.Instructions {
			for keyword := range last {
				if slices.Contains(users[keyword], in.Keyword) {
					delete(last, keyword)
				}
			}
			if _, ok := users[in.Keyword]; ok {
				if first := last[in.Keyword]; first != nil {
					reportOverridden(p, first, in)
				}
				last[in.Keyword] = in
			}
			if in.Keyword == "EXPOSE" {
				checkExposed(p, in, ports)
			}
		}
	}
}

func reportOverridden(p *audit.Pass, first, in *dockerfile.Instruction) {
	p.Report(p.BlameSpan(first, first.Span).Of(audit.Finding{
		Message:  fmt.Sprintf("%s %s has no effect: line %d overrides it, and nothing between them uses it", first.Keyword, strings.Join(strings.Fields(first.Text), " "), in.Span.Start.Line),
		Evidence: []audit.Evidence{p.At(in, "%s is set again here", in.Keyword)},
		Remedy:   "Remove it",
		Fix:      removeLine(p, first),
	}))
}

// checkExposed finds a port that has been exposed, in the form BuildKit gives it: 8080 is 8080/tcp.
func checkExposed(p *audit.Pass, in *dockerfile.Instruction, ports map[string]*dockerfile.Instruction) {
	again := 0
	var first *dockerfile.Instruction
	for _, w := range in.Words {
		port := strings.ToLower(w.Value)
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		if before := ports[port]; before != nil && !strings.Contains(port, "$") {
			again++
			first = before
			continue
		}
		ports[port] = in
	}
	if again == 0 {
		return
	}
	f := audit.Finding{
		Message:  fmt.Sprintf("EXPOSE %s exposes what line %d exposes already", in.Text, first.Span.Start.Line),
		Evidence: []audit.Evidence{p.At(first, "the port is exposed here")},
		Remedy:   "Remove it",
	}
	if again == len(in.Words) && first != in {
		f.Fix = removeLine(p, in)
	}
	p.Report(p.BlameSpan(in, in.Span).Of(f))
}

// removeLine takes an instruction away with its line end; nil if a comment stands in it.
func removeLine(p *audit.Pass, in *dockerfile.Instruction) *audit.Fix {
	if strings.Contains(p.Dockerfile.Text(in.Span), "#") && in.Span.Start.Line != in.Span.End.Line {
		return nil
	}
	return &audit.Fix{Title: "Remove the line that has no effect", Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: wholeLine(p.Dockerfile, in.Span)}}}
}
