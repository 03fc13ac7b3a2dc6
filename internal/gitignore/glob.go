package gitignore

import "strings"

// token is one element of a glob.
type token struct {
	kind kind
	c    byte       // of a literal
	set  *[4]uint64 // of a class: the bytes that match
}

type kind uint8

const (
	literal kind = iota
	anyByte      // ? : one byte that is no slash
	class        // [..]: one byte of a set, never a slash
	star         // * : any number of bytes that are no slash
	tree         // ** : any number of bytes
	dirs         // **/ : nothing, or any number of bytes up to a slash
)

// tokens reads a glob; ok is false for one that can match nothing: an open class, a backslash at the end. In a rooted one
// two stars that make up a whole element span elements. Git cuts the text before the first special byte off and looks at
// the rest alone, so stars straight behind that text begin an element, too.
func tokens(s string, rooted bool) (out []token, ok bool) {
	plain := strings.IndexAny(s, `*?[\`)
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i == len(s) {
				return nil, false
			}
			out = append(out, token{kind: literal, c: s[i]})
		case '?':
			out = append(out, token{kind: anyByte})
		case '[':
			set, next, ok := readClass(s, i+1)
			if !ok {
				return nil, false
			}
			out = append(out, token{kind: class, set: set})
			i = next
		case '*':
			from := i
			for i+1 < len(s) && s[i+1] == '*' {
				i++
			}
			rest := s[i+1:]
			begins := i > from && rooted && (from == plain || s[from-1] == '/')
			switch {
			case begins && rest == "", begins && strings.HasPrefix(rest, `\/`):
				out = append(out, token{kind: tree})
			case begins && rest[0] == '/':
				out = append(out, token{kind: dirs})
				i++
			default:
				out = append(out, token{kind: star})
			}
		default:
			out = append(out, token{kind: literal, c: s[i]})
		}
	}
	return out, true
}

// match reports whether a glob matches a whole text. It follows all ways at once, so its time is bounded by the product
// of the lengths.
func match(glob []token, text string) bool {
	var room [2][64]bool
	now, next := room[0][:], room[1][:]
	if len(glob)+1 > len(now) {
		now, next = make([]bool, len(glob)+1), make([]bool, len(glob)+1)
	}
	now, next = now[:len(glob)+1], next[:len(glob)+1]
	enter(glob, now, 0)
	for i := 0; i < len(text); i++ {
		clear(next)
		alive := false
		for at, on := range now[:len(glob)] {
			if on && step(glob, next, at, text[i]) {
				alive = true
			}
		}
		if !alive {
			return false
		}
		now, next = next, now
	}
	return now[len(glob)]
}

// enter marks that the glob can be at a token, and behind it where that may stand for nothing.
func enter(glob []token, states []bool, at int) {
	for ; !states[at]; at++ {
		states[at] = true
		if at == len(glob) || glob[at].kind < star {
			return
		}
	}
}

// step takes one byte at a token and marks where the glob can be then.
func step(glob []token, states []bool, at int, c byte) bool {
	t := &glob[at]
	switch t.kind {
	case literal:
		if c != t.c {
			return false
		}
		enter(glob, states, at+1)
	case anyByte:
		if c == '/' {
			return false
		}
		enter(glob, states, at+1)
	case class:
		if c == '/' || t.set[c>>6]&(1<<(c&63)) == 0 {
			return false
		}
		enter(glob, states, at+1)
	case star:
		if c == '/' {
			return false
		}
		enter(glob, states, at)
	case tree:
		enter(glob, states, at)
	case dirs:
		states[at] = true // stays inside: it may end behind a slash only
		if c == '/' {
			enter(glob, states, at+1)
		}
	}
	return true
}
