package rules

import (
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// eachBuild calls f for every go build or go install line that the final stage needs.
func eachBuild(p *audit.Pass, f func(*dockerfile.Stage, *dockerfile.Instruction, dockerfile.GoBuild)) {
	if p.Dockerfile == nil {
		return
	}
	for _, stage := range p.Dockerfile.Stages {
		if !p.Dockerfile.Reachable(stage) {
			continue
		}
		for _, in := range stage.Instructions {
			if in.Run == nil {
				continue
			}
			for _, b := range in.Run.Builds {
				f(stage, in, b)
			}
		}
	}
}

// buildLine blames the go build line that made a program. The command is nil when it is not known which one did.
func buildLine(p *audit.Pass, prog *audit.Program) (audit.Cause, *dockerfile.GoBuild) {
	c := p.BlameBuild(prog)
	if c.By == nil || c.By.Run == nil || c.Location == nil {
		return c, nil
	}
	for i, b := range c.By.Run.Builds {
		if b.Span.Start.Line == c.Location.Line && b.Span.Start.Column == c.Location.Column {
			return c, &c.By.Run.Builds[i]
		}
	}
	return c, nil
}

// entryGo is the program that the image starts, if its Go part is known; nil otherwise.
func entryGo(p *audit.Pass) *audit.Program {
	e := p.Entry()
	if e == nil || e.Go == nil || e.Toolchain {
		return nil
	}
	return e
}
