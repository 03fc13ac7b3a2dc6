package dockerfile

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// WaiverStyle says whose comment a waiver is.
type WaiverStyle string

// The styles.
const (
	StyleImgaudit WaiverStyle = "imgaudit" // # imgaudit:ignore=RULE[,RULE] [reason="TEXT"] [until=YYYY-MM-DD], # imgaudit:ignore-file=..
	StyleBuildKit WaiverStyle = "buildkit" // # check=skip=NAME[,NAME]
	StyleHadolint WaiverStyle = "hadolint" // # hadolint [global |stage ]ignore=CODE[,CODE] [# TEXT]
	StyleTally    WaiverStyle = "tally"    // # tally [global ]ignore=NAME[,NAME][;reason=TEXT]
	StyleTrivy    WaiverStyle = "trivy"    // # trivy:ignore:ID[:exp:YYYY-MM-DD]
	StyleCheckov  WaiverStyle = "checkov"  // # checkov:skip=ID[,ID][:TEXT]
)

// WaiverScope says what a waiver is about.
type WaiverScope string

// The scopes.
const (
	ScopeInstruction WaiverScope = "instruction" // Waiver.On
	ScopeStage       WaiverScope = "stage"       // what stands below the comment in Waiver.Stage, its FROM included
	ScopeFile        WaiverScope = "file"
)

// Waiver is a comment that asks to pass findings over: what it says, not whether it is heeded.
type Waiver struct {
	Style  WaiverStyle
	Rules  []Word // as written: rules of ours, names of BuildKit, codes of others
	Reason string // "" if none is given
	Until  string // YYYY-MM-DD, the last day, "" for no end
	Scope  WaiverScope
	On     *Instruction // the one below the comment, or the one that it stands in; nil for a whole file, or if none follows
	Stage  *Stage       // of On; nil for a whole file and for ARG before the first FROM
	Span   Span         // from # to the end of the line
	// Fault says what is wrong with a comment of ours that cannot be read, "" if nothing is. Comments of others that
	// their own programs would not read are no waivers.
	Fault string
}

// Covers reports whether a line of the Dockerfile is what the waiver is about.
func (w *Waiver) Covers(line int) bool {
	switch {
	case w.Scope == ScopeFile:
		return true
	case w.On == nil:
		return false
	case w.Scope == ScopeStage && w.Stage != nil:
		return line > w.Span.Start.Line && line >= w.Stage.Span.Start.Line && line <= w.Stage.Span.End.Line
	}
	return line >= w.On.Span.Start.Line && line <= max(w.On.Span.End.Line, w.On.lastLine)
}

// Waivers reads the comments that waive, in file order. The body of a heredoc has no comments: it is a script or a file.
func (f *File) Waivers() []Waiver {
	var out []Waiver
	var checks []comment // above the next instruction
	options, top := directive("check", f.Source)
	for _, c := range f.comments() {
		out = append(out, c.own()...)
		out = append(out, c.tally()...)
		out = append(out, c.checkov()...)
		if c.inside {
			continue
		}
		out = append(out, c.hadolint()...)
		out = append(out, c.trivy()...)
		if len(checks) > 0 && checks[0].on != c.on {
			out = append(out, buildkitWaivers(checks)...)
			checks = nil
		}
		if c.line == top {
			out = append(out, c.buildkit(ScopeFile, options)...)
			continue
		}
		checks = append(checks, c)
	}
	out = append(out, buildkitWaivers(checks)...)
	slices.SortStableFunc(out, func(a, b Waiver) int { return a.Span.Start.Offset - b.Span.Start.Offset })
	return out
}

// comment is one comment line.
type comment struct {
	table   *lineTable
	line    int
	start   int          // offset of its #
	text    string       // from # to the end of the line
	indent  bool         // blanks stand before #
	inside  bool         // it stands in a continuation
	on      *Instruction // that it stands in or above, nil behind the last one
	touches bool         // only comments stand between it and the instruction
}

// comments lists the comment lines. A line is one where BuildKit's parser drops it: outside of instructions, and in the
// continuation of a command line.
func (f *File) comments() []comment {
	if !bytes.ContainsRune(f.Source, '#') {
		return nil
	}
	var out []comment
	table, all, k := newLineTable(f.Source), f.instructions(), 0
	for n := 1; n <= len(table.starts); n++ {
		for k < len(all) && n > max(all[k].lastLine, all[k].Span.End.Line) {
			k++
		}
		var on *Instruction
		if k < len(all) {
			on = all[k]
		}
		inside := on != nil && n >= on.Span.Start.Line
		if inside && len(on.Heredocs) > 0 && n >= on.Heredocs[0].Span.Start.Line {
			continue
		}
		start, end := table.bounds(n)
		line := f.Source[start:end]
		if n == 1 {
			line = bytes.TrimPrefix(line, utf8BOM)
		}
		text := bytes.TrimLeftFunc(line, unicode.IsSpace)
		if len(text) == 0 || text[0] != '#' {
			if len(text) == 0 && !inside {
				untouch(out, on)
			}
			continue
		}
		out = append(out, comment{table: table, line: n, start: end - len(text), text: strings.TrimRightFunc(string(text), unicode.IsSpace),
			indent: len(text) < len(line), inside: inside, on: on, touches: true})
	}
	return out
}

// untouch notes that a blank line parts the comments so far from the instruction.
func untouch(comments []comment, on *Instruction) {
	for i := len(comments) - 1; i >= 0 && comments[i].on == on; i-- {
		comments[i].touches = false
	}
}

// waiver begins a waiver of the comment about an instruction, or about a whole file.
func (c *comment) waiver(style WaiverStyle, scope WaiverScope) Waiver {
	w := Waiver{Style: style, Scope: scope, Span: c.span(0, len(c.text))}
	if scope == ScopeFile || c.on == nil {
		return w
	}
	w.On, w.Stage = c.on, c.on.Stage
	return w
}

// span places text[i:j] in the file.
func (c *comment) span(i, j int) Span { return c.table.span(c.start+i, c.start+j) }

// words places names of the comment's text.
func (c *comment) words(names []token) []Word {
	var out []Word
	for _, n := range names {
		out = append(out, Word{Value: c.text[n.start:n.end], Span: c.span(n.start, n.end)})
	}
	return out
}
