package dockerfile

import (
	"strings"
	"unicode/utf8"
)

// variables finds the uses of a variable in a range of the source: $NAME, ${NAME} and ${NAME...}, whole. Quotes and
// escapes are understood as package shell of BuildKit does; with quotes false, as in a heredoc, only escapes are.
func (r *reader) variables(where Span, name string, quotes bool) []Span {
	if where.IsZero() {
		return nil
	}
	text := string(r.file.Source[where.Start.Offset:where.End.Offset])
	escape := r.file.Escape
	if !quotes {
		escape = '\\'
	}
	var found []Span
	double := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == escape:
			i++
		case quotes && c == '"':
			double = !double
		case quotes && c == '\'' && !double:
			n := strings.IndexByte(text[i+1:], '\'')
			if n < 0 {
				return found
			}
			i += n + 1
		case c == '$':
			if n := variableLength(text[i:], name); n > 0 {
				start := where.Start.Offset + i
				found = append(found, r.table.span(start, start+n))
			}
		}
	}
	return found
}

// variableLength is the length of the use of a variable at the start of text, 0 if it is none.
func variableLength(text, name string) int {
	if rest, ok := strings.CutPrefix(text, "$"+name); ok {
		if rest != "" && nameByte(rest[0]) && nameByte(name[len(name)-1]) {
			return 0
		}
		return len(text) - len(rest)
	}
	rest, ok := strings.CutPrefix(text, "${"+name)
	if !ok || rest == "" || nameByte(rest[0]) {
		return 0
	}
	depth := 1
	for i := range len(rest) {
		switch rest[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return len(text) - len(rest) + i + 1
			}
		}
	}
	return 0
}

func nameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// readable replaces what is no text in a word: BuildKit's lexer goes on with U+FFFD, too, but complains about each such byte
// on standard error.
func readable(word string) string {
	if utf8.ValidString(word) && strings.IndexByte(word, 0) < 0 {
		return word
	}
	return strings.ReplaceAll(string([]rune(word)), "\x00", "\uFFFD")
}

// keySpan is the span of the key of the k-th KEY=VALUE.
func (i *Instruction) keySpan(k int) Span {
	if k >= len(i.Words) {
		return i.keywordSpan()
	}
	a, b := i.tokens[k].start, i.tokens[k].end
	word := i.joined.s[a:b]
	end := strings.IndexByte(word, '=')
	if i.oldPair {
		if sep, ok := blanks(word); ok {
			end = sep.start
		}
	}
	if end < 0 {
		end = len(word)
	}
	return i.joined.span(a, a+end)
}

// variable is the first use of a variable in a range, the range if there is none.
func (c *check) variable(where Span, name string) Span {
	if all := c.r.variables(where, name, true); len(all) > 0 {
		return all[0]
	}
	return where
}
