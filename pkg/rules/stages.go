package rules

import (
	"fmt"
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var singleStage = &audit.Rule{
	ID:       "single-stage",
	Title:    "the final image is the build stage",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "The final stage, or a stage it starts from, runs go build or go install itself, or its base is a golang image.",
		Why:    "The Go toolchain, the sources and the module cache are shipped: hundreds of megabytes, a compiler for an intruder, and every secret that the build saw. A stage named like an image (FROM golang AS alpine) does the same unseen: FROM alpine then means the stage.",
		Unless: "The image is meant for development or for running tests.",
	},
	Check: checkSingleStage,
}

func checkSingleStage(p *audit.Pass) {
	final := p.Dockerfile.Final()
	if final == nil {
		return
	}
	var evidence []audit.Evidence
	ships := "the Go toolchain"
	if in := buildsGo(final); in != nil {
		evidence = append(evidence, p.At(in, "go build runs in a stage that is shipped"))
		ships += " and the sources"
	}
	if root := final.Root(); !p.BaseUnknown(root) && isGolang(root.Base) {
		evidence = append(evidence, p.At(root.From, "the base image is %s", root.Base))
	}
	if len(evidence) == 0 {
		return
	}
	for s := final; s.Parent != nil; s = s.Parent {
		evidence = append(evidence, p.At(s.From, "FROM %s is the stage of line %d", s.BaseRaw, s.Parent.From.Span.Start.Line))
	}
	p.Report(p.BlameSpan(final.From, final.From.Span).Of(audit.Finding{
		Message:  fmt.Sprintf("the final image is a build stage (%s): it ships %s", shortBase(final.Root()), ships),
		Evidence: evidence,
		Remedy:   "Build in one stage and copy only the program into a second, small one",
	}))
}

// buildsGo returns the RUN of the chain of stages that builds with go, nil if there is none.
func buildsGo(s *dockerfile.Stage) *dockerfile.Instruction {
	for ; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			if in.Run != nil && len(in.Run.Builds) > 0 {
				return in
			}
		}
	}
	return nil
}

// shortBase is the name of a stage's base image without its digest.
func shortBase(s *dockerfile.Stage) string {
	name, _, _ := strings.Cut(baseName(s.Base, s.BaseRaw), "@")
	return name
}

// isGolang reports whether an image name's repository is golang: "golang:1.26", "host:5000/library/golang@sha256:...".
func isGolang(name string) bool {
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(path.Base(name), ":")
	return name == "golang"
}
