package dockerfile

import (
	"bytes"
	"unicode"
)

// logicalLine is one instruction's command line, without heredoc bodies.
type logicalLine struct {
	text *text // joined as parser.Parse joins it: equal to Node.Original
	next int   // first physical line after it
	end  int   // offset behind its last byte, a continuation character at the end of the file included
	// blank is the first blank line inside a continuation, zero if there is none.
	blank Span
}

var utf8BOM = []byte{0xEF, 0xBB, 0xBF}

// joinLines joins the physical lines of the instruction that BuildKit found at line first, the way parser.Parse does:
// comments and blank lines inside a continuation vanish, leading blanks of the first line too.
func joinLines(src []byte, table *lineTable, escape byte, first int) logicalLine {
	joined := textBuilder{table: table}
	l := logicalLine{next: first}
	for more := true; more && l.next <= len(table.starts); l.next++ {
		from, to := table.bounds(l.next)
		if l.next == 1 && bytes.HasPrefix(src[from:to], utf8BOM) {
			from += len(utf8BOM)
		}
		line := bytes.TrimRight(src[from:to], "\r\n")
		content := bytes.TrimLeftFunc(line, unicode.IsSpace)
		switch {
		case len(content) == 0:
			if l.blank.IsZero() {
				l.blank = table.span(from, from+len(line))
			}
			continue
		case content[0] == '#':
			continue
		}
		if l.next == first {
			from += len(line) - len(content)
			line = content
		}
		l.end = from + len(bytes.TrimRightFunc(line, unicode.IsSpace))
		n := continued(line, escape)
		if more = n >= 0; !more {
			n = len(line)
		}
		joined.add(src, from, from+n)
	}
	l.text = joined.text()
	return l
}

// continued gives the length of line before its continuation character, -1 if it has none. The rule is that of
// setEscapeToken in frontend/dockerfile/parser/parser.go: an escape token at the end of a line, blanks after it allowed,
// unless another one stands before it.
func continued(line []byte, escape byte) int {
	line = bytes.TrimRight(line, " \t")
	n := len(line) - 1
	if n < 0 || line[n] != escape || n > 0 && line[n-1] == escape {
		return -1
	}
	return n
}
