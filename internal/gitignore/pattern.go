package gitignore

import (
	"bytes"
	"strings"
)

// pattern is one line of a .gitignore.
type pattern struct {
	keeps   bool // "!": what matches is not ignored
	dirOnly bool // "/" at the end
	rooted  bool // a "/" elsewhere: it is about the path below the .gitignore, not about a name
	tokens  []token
}

// parse reads the lines of a .gitignore. Source: gitignore(5), and git itself, with which the tests compare.
func parse(data []byte) []pattern {
	var out []pattern
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for line := range bytes.Lines(data) {
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		if text == "" || text[0] == '#' {
			continue
		}
		if p, ok := compile(trimSpaces(text)); ok {
			out = append(out, p)
		}
	}
	return out
}

// trimSpaces drops the spaces at the end of a line, but not one behind a backslash. Nothing is dropped of a line that
// ends with a lone backslash.
func trimSpaces(s string) string {
	end := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			continue
		case '\\':
			if i++; i == len(s) {
				return s
			}
		}
		end = i + 1
	}
	return s[:end]
}

// compile reads one pattern; ok is false for one that matches nothing.
func compile(s string) (p pattern, ok bool) {
	s, p.keeps = strings.CutPrefix(s, "!")
	s, p.dirOnly = strings.CutSuffix(s, "/")
	p.rooted = strings.Contains(s, "/")
	s = strings.TrimPrefix(s, "/")
	if s == "" {
		return p, false
	}
	p.tokens, ok = tokens(s, p.rooted)
	return p, ok
}

// matches reports whether the pattern is about a path, which is relative to the directory of the .gitignore.
func (p *pattern) matches(path string, isDir bool) bool {
	if p.dirOnly && !isDir {
		return false
	}
	if !p.rooted {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	return match(p.tokens, path)
}
