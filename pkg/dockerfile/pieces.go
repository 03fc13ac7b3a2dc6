package dockerfile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// mark says what the bytes [start, end) of the source are.
type mark struct {
	start, end int
	kind       Kind
}

// cutter cuts a source into pieces.
type cutter struct {
	file       *File
	text       string
	pieces     []Piece
	at         int          // what stands before is cut
	lineStart  int          // of the line in which at is
	directives int          // number of the last line that is a directive
	in         *Instruction // on whose lines at is
}

func (f *File) cut() []Piece {
	c := &cutter{file: f, text: string(f.Source), directives: lastDirective(f.Source)}
	if bytes.HasPrefix(f.Source, utf8BOM) {
		c.add(KindBOM, len(utf8BOM))
		c.lineStart = c.at
	}
	for _, in := range f.instructions() {
		start, _ := f.table.bounds(in.first)
		_, end := f.table.bounds(in.lastLine)
		c.fill(start)
		c.in = in
		for _, m := range in.marks(f.table) {
			if m.start < c.at {
				continue
			}
			c.fill(m.start)
			c.add(m.kind, m.end)
			c.lineStart = max(c.lineStart, strings.LastIndexByte(c.text[:c.at], '\n')+1)
		}
		c.fill(end)
		c.in = nil
	}
	c.fill(len(f.Source))
	return c.pieces
}

// instructions are all instructions in file order.
func (f *File) instructions() []*Instruction {
	all := slices.Clone(f.MetaArgs)
	for _, s := range f.Stages {
		all = append(append(all, s.From), s.Instructions...)
	}
	return all
}

// lastDirective is the number of the last line of the directives at the top of a file, 0 without any. BuildKit looks for
// syntax and check, but not for escape, behind a #! line too.
func lastDirective(src []byte) int {
	lines := bytes.SplitAfter(bytes.TrimPrefix(src, utf8BOM), []byte("\n"))
	skipped := 0
	if bytes.HasPrefix(lines[0], []byte("#!")) {
		skipped = 1
	}
	var p parser.DirectiveParser
	for k, line := range lines[skipped:] {
		line = bytes.TrimLeftFunc(bytes.TrimRight(line, "\r\n"), unicode.IsSpace)
		if d, err := p.ParseLine(line); err != nil || d == nil || skipped > 0 && d.Name == "escape" {
			if k == 0 {
				return 0
			}
			return skipped + k
		}
	}
	return skipped + len(lines)
}

// add makes a piece of what stands before end.
func (c *cutter) add(kind Kind, end int) {
	if end <= c.at {
		return
	}
	c.pieces = append(c.pieces, Piece{Kind: kind, Text: c.text[c.at:end], Span: c.file.table.span(c.at, end), In: c.in})
	c.at = end
}

// fill cuts what stands before end and is no part of a command line: line ends, blanks, comments, continuations.
func (c *cutter) fill(end int) {
	for c.at < end {
		rest := c.text[c.at:end]
		if n := lineEndLength(rest, end == len(c.text)); n > 0 {
			c.add(KindLineEnd, c.at+n)
			c.lineStart = c.at
			continue
		}
		blank := blankLength(rest)
		switch {
		case blank > 0:
			kind := KindBlank
			if c.at == c.lineStart && !c.endsLine(c.at+blank) {
				kind = KindIndent
			}
			c.add(kind, c.at+blank)
		case rest[0] == '#' && strings.TrimSpace(c.text[c.lineStart:c.at]) == "":
			c.add(c.comment(), c.at+commentLength(rest))
		case rest[0] == c.file.Escape && c.in != nil:
			c.add(KindContinuation, c.at+1)
		default:
			c.add(KindOther, c.at+1)
		}
	}
}

// endsLine reports whether a line ends at offset i.
func (c *cutter) endsLine(i int) bool {
	return i == len(c.text) || lineEndLength(c.text[i:], true) > 0
}

// comment is the kind of the comment line at which the cutter stands.
func (c *cutter) comment() Kind {
	line := c.file.table.position(c.at).Line
	if line <= c.directives && !(line == 1 && strings.HasPrefix(c.text[c.at:], "#!")) {
		return KindDirective
	}
	return KindComment
}

// lineEndLength is the length of the line end with which s begins, 0 if it begins with none: carriage returns count when
// a newline, or with last the end of the file, follows.
func lineEndLength(s string, last bool) int {
	n := len(s) - len(strings.TrimLeft(s, "\r"))
	switch {
	case n < len(s) && s[n] == '\n':
		return n + 1
	case n == len(s) && last:
		return n
	}
	return 0
}

// commentLength is the length of the comment at the beginning of s, without its line end.
func commentLength(s string) int {
	line, _, _ := strings.Cut(s, "\n")
	return len(strings.TrimRight(line, "\r"))
}

// blankLength is the length of the blanks at the beginning of s, line ends excluded. BuildKit looks for the spaces
// between flags byte by byte, so that a lone byte 0x85 or 0xA0 is one to it.
func blankLength(s string) int {
	n := 0
	for n < len(s) && s[n] != '\n' && lineEndLength(s[n:], false) == 0 {
		r, width := utf8.DecodeRuneInString(s[n:])
		if r == utf8.RuneError && width == 1 {
			r = rune(s[n])
		}
		if !unicode.IsSpace(r) {
			break
		}
		n += width
	}
	return n
}

// marks says what the bytes of an instruction's command line and of its heredocs are, in order.
func (i *Instruction) marks(table *lineTable) []mark {
	var marks []mark
	put := func(t *text, a, b int, kind Kind) {
		for _, r := range t.ranges(a, b) {
			marks = append(marks, mark{r.start, r.end, kind})
		}
	}
	i.commandMarks(put)
	for k, h := range i.bodies {
		body := i.Heredocs[k].Span
		marks = append(marks, mark{body.Start.Offset, body.End.Offset, KindHeredoc}, mark{h.end.start, h.end.end, KindHeredocEnd})
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.start, b.start) })
	return marks
}

// commandMarks calls put for the parts of the command line.
func (i *Instruction) commandMarks(put func(t *text, a, b int, kind Kind)) {
	p, line := i.parts, i.line
	put(line, p.keyword.start, p.keyword.end, KindKeyword)
	last := p.keyword.end
	for _, f := range p.flags {
		name, value, found := strings.Cut(line.s[f.start:f.end], "=")
		put(line, f.start, f.start+len(name), KindFlagName)
		if found {
			put(line, f.start+len(name), f.end-len(value), KindFlagEquals)
			put(line, f.end-len(value), f.end, KindFlagValue)
		}
		last = f.end
	}
	if between := trimmedBytes(line.s, last, p.args.start); between.start < between.end {
		put(line, between.start, between.end, KindFlagsEnd)
	}
	if i.Trigger != nil {
		i.Trigger.commandMarks(put)
		return
	}
	kind := KindWord
	switch {
	case i.JSON:
		kind = KindElement
	case i.script != nil || i.Keyword == "RUN":
		kind = KindShell
	}
	last = p.args.start
	for k, w := range i.tokens {
		of := kind
		if i.Keyword == "HEALTHCHECK" && k == 0 {
			of = KindWord
		}
		start, end := p.args.start+w.start, p.args.start+w.end
		i.punctuate(put, last, start)
		put(line, start, end, of)
		last = end
	}
	i.punctuate(put, last, p.args.end)
}

// punctuate calls put for what stands between the elements of the JSON form.
func (i *Instruction) punctuate(put func(t *text, a, b int, kind Kind), a, b int) {
	for k := a; k < b; k++ {
		if strings.IndexByte("[,]", i.line.s[k]) >= 0 {
			put(i.line, k, k+1, KindPunctuation)
		}
	}
}

// trimmedBytes gives the range of s[a:b] without the bytes around it that are spaces.
func trimmedBytes(s string, a, b int) token {
	for a < b && unicode.IsSpace(rune(s[a])) {
		a++
	}
	for a < b && unicode.IsSpace(rune(s[b-1])) {
		b--
	}
	return token{a, b}
}
