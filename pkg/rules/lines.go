package rules

import (
	"bytes"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
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
// It goes above the comments that stand directly over the instruction: what they say, to people and to linters, stays
// said of it.
func lineBefore(p *audit.Pass, in *dockerfile.Instruction, line string) dockerfile.Edit {
	source := p.Dockerfile.Source
	start := in.Span.Start.Offset
	indent := string(source[start-(in.Span.Start.Column-1) : start])
	if strings.TrimSpace(indent) != "" { // a byte order mark
		indent = ""
	}
	if at := commentsAbove(p.Dockerfile, in); at != in.Span.Start {
		return dockerfile.Edit{Span: dockerfile.Span{Start: at, End: at}, New: indent + line + lineEnd(source)}
	}
	at := dockerfile.Span{Start: in.Span.Start, End: in.Span.Start}
	return dockerfile.Edit{Span: at, New: line + lineEnd(source) + indent}
}

// commentsAbove is where the comment lines directly over an instruction begin; the instruction's own place if there are
// none, or if they may be the directives at the head of the file.
func commentsAbove(f *dockerfile.File, in *dockerfile.Instruction) dockerfile.Position {
	end := endBefore(f, in)
	at := in.Span.Start
	start := at.Offset - (at.Column - 1)
	if end == 0 {
		return at
	}
	for line := at.Line; start > end; {
		above := bytes.LastIndexByte(f.Source[end:start-1], '\n')
		if above < 0 || !bytes.HasPrefix(bytes.TrimSpace(f.Source[end+above+1:start]), []byte("#")) {
			break
		}
		start = end + above + 1
		line--
		at = dockerfile.Position{Line: line, Column: 1, Offset: start}
	}
	return at
}

// endBefore is where the instruction before another ends, 0 for the first of the file.
func endBefore(f *dockerfile.File, in *dockerfile.Instruction) int {
	switch {
	case in.Stage == nil && in.Index > 0:
		return f.MetaArgs[in.Index-1].Span.End.Offset
	case in.Stage == nil:
		return 0
	case in.Index > 0:
		return in.Stage.Instructions[in.Index-1].Span.End.Offset
	case in.Index == 0:
		return in.Stage.From.Span.End.Offset
	case in.Stage.Index > 0:
		return f.Stages[in.Stage.Index-1].Span.End.Offset
	case len(f.MetaArgs) > 0:
		return f.MetaArgs[len(f.MetaArgs)-1].Span.End.Offset
	}
	return 0
}

// lineAfter inserts a line of its own behind an instruction, with the instruction's indentation.
func lineAfter(p *audit.Pass, in *dockerfile.Instruction, line string) dockerfile.Edit {
	source := p.Dockerfile.Source
	indent := string(source[in.Span.Start.Offset-(in.Span.Start.Column-1) : in.Span.Start.Offset])
	if strings.TrimSpace(indent) != "" {
		indent = ""
	}
	return dockerfile.Edit{Span: dockerfile.Span{Start: in.Span.End, End: in.Span.End}, New: lineEnd(source) + indent + line}
}

// intoFinal inserts lines into the final stage where its files are made: before the first USER, ENTRYPOINT or CMD of its
// own, else at its end. Nil when the first of them is there: the image is older then.
func intoFinal(p *audit.Pass, lines ...string) []dockerfile.Edit {
	final := p.Dockerfile.Final()
	for _, in := range final.Instructions {
		if strings.HasPrefix(p.Dockerfile.Text(in.Span), lines[0]) {
			return nil
		}
	}
	text := strings.Join(lines, lineEnd(p.Dockerfile.Source))
	last := final.From
	for _, in := range final.Instructions {
		if in.Keyword == "USER" || in.Keyword == "ENTRYPOINT" || in.Keyword == "CMD" {
			return []dockerfile.Edit{lineBefore(p, in, text)}
		}
		last = in
	}
	return []dockerfile.Edit{lineAfter(p, last, text)}
}

// fixOf makes a fix of edits, nil without any.
func fixOf(title string, safety audit.Safety, edits []dockerfile.Edit) *audit.Fix {
	if len(edits) == 0 {
		return nil
	}
	return &audit.Fix{Title: title, Safety: safety, Edits: edits}
}

// runInFinal is intoFinal for a command that root must run behind another instruction, if that is not nil: no edits
// unless the image has a shell and the programs, and root is who runs a RUN there.
func runInFinal(p *audit.Pass, behind *dockerfile.Instruction, command string, programs ...string) []dockerfile.Edit {
	final := p.Dockerfile.Final()
	edits := intoFinal(p, "RUN "+command)
	if len(edits) == 0 || !rootRuns(p, final) || len(final.Shell.Words) > 0 || p.Image.FS.Shell("/bin/sh").Kind == "" ||
		behind != nil && behind.Span.End.Offset > edits[0].Span.Start.Offset {
		return nil
	}
	for _, name := range programs {
		if file, _ := findCommand(p, name); file == "" {
			return nil
		}
	}
	return edits
}

// rootRuns reports whether the first RUN of a stage is surely root's: the stage below says so, or the image does and no
// USER of the stage has changed it.
func rootRuns(p *audit.Pass, s *dockerfile.Stage) bool {
	if s.Parent != nil && s.Parent.User.By != nil {
		return s.Parent.User.Known && isRoot(s.Parent.User.Value)
	}
	if s.User.By == nil {
		return p.Identity.UID == 0 && p.Identity.Err == ""
	}
	base := baseKindOf(s.Root())
	return base != "" && base != "distroless"
}

// flagged gives COPY or ADD of one plain file a flag, or the flag it has a new value; nil if it takes more than that file.
func flagged(p *audit.Pass, in *dockerfile.Instruction, file, name, value string) []dockerfile.Edit {
	c := in.Copy
	if c == nil || len(c.Sources) != 1 || strings.ContainsAny(c.Sources[0], "*?[") || !c.Makes(file) || oldSyntax.MatchString(p.Dockerfile.Syntax) {
		return nil
	}
	for _, f := range in.Flags {
		if f.Name == name && f.Value == value {
			return nil
		}
		if f.Name == name {
			return []dockerfile.Edit{{Span: f.Span, New: "--" + name + "=" + value}}
		}
	}
	text := p.Dockerfile.Text(in.Span)
	return []dockerfile.Edit{{Span: partOf(text, in.Span, len(in.Keyword), len(in.Keyword)), New: " --" + name + "=" + value}}
}

// oldSyntax are the Dockerfile frontends without COPY --chmod and here-documents.
// Source: BuildKit's docs/reference, "COPY --chmod" (1.2), "Here-Documents" (1.4).
var oldSyntax = lazyregexp.New(`^docker/dockerfile:(0|1\.[0-3])($|[.-])`)

// lineEnd is how the file ends its lines.
func lineEnd(source []byte) string {
	if bytes.Contains(source, []byte("\r\n")) {
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
