package dockerfile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a range of a text.
type token struct{ start, end int }

// blanks finds the first blanks of s: what separates words in frontend/dockerfile/parser/parser.go (reWhitespace), where
// other Unicode spaces do not. ok is false if there are none.
func blanks(s string) (at token, ok bool) {
	const all = "\t\v\f\r "
	start := strings.IndexAny(s, all)
	if start < 0 {
		return token{}, false
	}
	return token{start, len(s) - len(strings.TrimLeft(s[start:], all))}, true
}

// trimmed gives the range of s[a:b] without the Unicode spaces around it.
func trimmed(s string, a, b int) token {
	a = b - len(strings.TrimLeftFunc(s[a:b], unicode.IsSpace))
	return token{a, a + len(strings.TrimRightFunc(s[a:b], unicode.IsSpace))}
}

// splitCommand gives the ranges of keyword, flags and arguments of a joined line, like splitCommand in
// frontend/dockerfile/parser/split_command.go.
func splitCommand(s string, escape byte) (keyword token, flags []token, args token) {
	line := trimmed(s, 0, len(s))
	sep, ok := blanks(s[line.start:line.end])
	if !ok {
		return line, nil, token{line.end, line.end}
	}
	keyword = token{line.start, line.start + sep.start}
	flags, rest := splitFlags(s, line.start+sep.end, line.end, escape)
	return keyword, flags, trimmed(s, rest, line.end)
}

// splitFlags gives the ranges of the --flags at the beginning of s[a:b] and where the arguments begin, like
// extractBuilderFlags in frontend/dockerfile/parser/split_command.go: byte by byte, quotes and escapes understood.
func splitFlags(s string, a, b int, escape byte) (flags []token, rest int) {
	for pos := a; pos < b; {
		if unicode.IsSpace(rune(s[pos])) {
			pos++
			continue
		}
		if s[pos] != '-' || pos+1 == b || s[pos+1] != '-' {
			return flags, pos
		}
		end, word := flagEnd(s, pos, b, escape)
		if word == "--" {
			return flags, end
		}
		flags = append(flags, token{pos, end})
		pos = end
	}
	return flags, b
}

// flagEnd gives the end of the flag at a and its text without quotes and escapes, as far as "--" must be told from it.
func flagEnd(s string, a, b int, escape byte) (end int, word string) {
	var quote byte
	var w strings.Builder
	for pos := a; pos < b; pos++ {
		c := s[pos]
		switch {
		case quote == 0 && unicode.IsSpace(rune(c)):
			return pos, w.String()
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
			continue
		case quote != 0 && c == quote:
			quote = 0
			continue
		case c == escape:
			if pos+1 == b {
				continue
			}
			pos++
			c = s[pos]
		}
		w.WriteByte(c)
	}
	return b, w.String()
}

// splitBlanks gives the words of s[a:b] that blanks separate.
func splitBlanks(s string, a, b int) []token {
	var words []token
	for {
		sep, ok := blanks(s[a:b])
		if !ok {
			return append(words, token{a, b})
		}
		words = append(words, token{a, a + sep.start})
		a += sep.end
	}
}

// splitWords gives the words of s[a:b], quotes and escapes understood, like parseWords in
// frontend/dockerfile/parser/line_parsers.go.
func splitWords(s string, a, b int, escape byte) []token {
	var words []token
	start, quote := -1, rune(0)
	for pos := a; pos < b; {
		c, width := utf8.DecodeRuneInString(s[pos:b])
		switch {
		case start < 0 && unicode.IsSpace(c):
			pos += width
			continue
		case start < 0:
			start = pos
		}
		switch {
		case quote == 0 && unicode.IsSpace(c):
			words = append(words, token{start, pos})
			start = -1
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == rune(escape) && quote != '\'':
			if pos+width < b {
				_, skipped := utf8.DecodeRuneInString(s[pos+width : b])
				width += skipped
			}
		}
		pos += width
	}
	if start >= 0 {
		words = append(words, token{start, b})
	}
	return words
}

// splitJSON gives the elements of the JSON array of strings at s[a:b], quotes included. BuildKit has accepted it.
func splitJSON(s string, a, b int) []token {
	var words []token
	for pos := a; pos < b; pos++ {
		if s[pos] != '"' {
			continue
		}
		start := pos
		for pos++; pos < b && s[pos] != '"'; pos++ {
			if s[pos] == '\\' {
				pos++
			}
		}
		words = append(words, token{start, min(pos+1, b)})
	}
	return words
}
