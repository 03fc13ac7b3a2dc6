package dockerfile

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// literal gives the text of a word without quotes and escapes; ok is false if the shell would have to expand anything in
// it: a variable, a substitution, a pattern of file names, a leading tilde.
func literal(parts []syntax.WordPart) (value string, ok bool) {
	var b strings.Builder
	for k, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			text, plain := unescape(p.Value, "")
			if !plain || k == 0 && strings.HasPrefix(p.Value, "~") {
				return "", false
			}
			b.WriteString(text)
		case *syntax.SglQuoted:
			if p.Dollar && strings.Contains(p.Value, `\`) {
				return "", false
			}
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, part := range p.Parts {
				lit, isLit := part.(*syntax.Lit)
				if !isLit {
					return "", false
				}
				text, _ := unescape(lit.Value, "$`\"\\\n")
				b.WriteString(text)
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

// unescape removes backslashes: before the characters of escapable in double quotes, before any outside (escapable "").
// plain is false if an unescaped *, ? or [...] stands outside quotes.
func unescape(s, escapable string) (value string, plain bool) {
	var b strings.Builder
	plain = true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (escapable == "" || strings.IndexByte(escapable, s[i+1]) >= 0):
			i++
			if s[i] != '\n' {
				b.WriteByte(s[i])
			}
			continue
		case c == '*' || c == '?' || c == '[' && strings.IndexByte(s[i:], ']') > 0:
			plain = plain && escapable != ""
		}
		b.WriteByte(s[i])
	}
	return b.String(), plain
}
