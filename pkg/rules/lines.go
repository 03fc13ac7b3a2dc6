package rules

import (
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// eachNeeded calls f for every instruction of the stages that the target needs, in file order.
func eachNeeded(p *audit.Pass, f func(*dockerfile.Stage, *dockerfile.Instruction)) {
	for _, stage := range p.Dockerfile.Stages {
		if !p.Dockerfile.Reachable(stage) {
			continue
		}
		for _, in := range stage.Instructions {
			f(stage, in)
		}
	}
}

// lineage is the stage with those it starts from, the lowest first.
func lineage(s *dockerfile.Stage) []*dockerfile.Stage {
	if s == nil {
		return nil
	}
	return append(lineage(s.Parent), s)
}

// steps are the instructions that make a stage's file system, those of the stages below it first.
func steps(s *dockerfile.Stage) []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	for _, l := range lineage(s) {
		out = append(out, l.Instructions...)
	}
	return out
}

// lineBefore inserts a line of its own before an instruction, with the file's line end and the instruction's indentation.
func lineBefore(p *audit.Pass, in *dockerfile.Instruction, line string) dockerfile.Edit {
	source := p.Dockerfile.Source
	start := in.Span.Start.Offset
	indent := string(source[start-(in.Span.Start.Column-1) : start])
	if strings.TrimSpace(indent) != "" { // a byte order mark
		indent = ""
	}
	at := dockerfile.Span{Start: in.Span.Start, End: in.Span.Start}
	return dockerfile.Edit{Span: at, New: line + lineEnd(source) + indent}
}

// lineEnd is how the file ends its lines.
func lineEnd(source []byte) string {
	if strings.Contains(string(source), "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// part is the span of text[i:j] inside a span that stands on one line.
func part(s dockerfile.Span, i, j int) dockerfile.Span {
	at := func(n int) dockerfile.Position {
		return dockerfile.Position{Line: s.Start.Line, Column: s.Start.Column + n, Offset: s.Start.Offset + n}
	}
	return dockerfile.Span{Start: at(i), End: at(j)}
}

// below reports whether a path is dir, or in it; both rooted.
func below(dir, name string) bool {
	dir = strings.TrimSuffix(dir, "/")
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// script is the parsed shell text of a RUN, nil if it has none that can be read.
func script(in *dockerfile.Instruction) *dockerfile.Script {
	if in.Run == nil || in.Run.Script == "" {
		return nil
	}
	s, err := dockerfile.ParseShell(in.Run.Script)
	if err != nil {
		return nil
	}
	return s
}
