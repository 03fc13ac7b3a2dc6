package rules

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// checkTidied finds commands of the build that change go.mod, and with it what is built: go mod tidy, and go get of
// modules above a go build of the stage. One finding says it.
func checkTidied(p *audit.Pass) {
	said := false
	eachBuild(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) {
		if said || b.Dir == "" {
			return
		}
		for _, step := range append(before(stage, in), in) {
			k := slices.IndexFunc(goVerbs(step), func(v string) bool { return v == "mod tidy" || v == "get" })
			if k < 0 {
				continue
			}
			verb := "go " + goVerbs(step)[k]
			said = true
			p.Report(p.BlameSpan(step, step.Span).Of(audit.Finding{
				Message:  fmt.Sprintf("%s runs in the build: it may write another go.mod than the one that is checked in", verb),
				Evidence: []audit.Evidence{p.At(in, "go build then builds what %s has chosen that day", verb)},
				Remedy:   "Run it before you commit, and go mod download in the build, which changes nothing",
			}))
			return
		}
	})
}
