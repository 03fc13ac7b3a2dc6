package gitignore

import "strings"

// classes are the named sets that a class may hold, as ASCII has them.
var classes = map[string]func(byte) bool{
	"alnum":  func(c byte) bool { return isAlpha(c) || isDigit(c) },
	"alpha":  isAlpha,
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < ' ' || c == 0x7f },
	"digit":  isDigit,
	"graph":  func(c byte) bool { return c > ' ' && c < 0x7f },
	"lower":  func(c byte) bool { return c >= 'a' && c <= 'z' },
	"print":  func(c byte) bool { return c >= ' ' && c < 0x7f },
	"punct":  func(c byte) bool { return c > ' ' && c < 0x7f && !isAlpha(c) && !isDigit(c) },
	"space":  func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' },
	"upper":  func(c byte) bool { return c >= 'A' && c <= 'Z' },
	"xdigit": func(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' },
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// readClass reads a class from behind its bracket on, and gives the place of the bracket that closes it. ok is false if
// there is none, or for a named set that there is not.
func readClass(s string, i int) (set *[4]uint64, end int, ok bool) {
	var in [4]uint64
	add := func(c byte) { in[c>>6] |= 1 << (c & 63) }
	negated := false
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		negated = true
		i++
	}
	low := -1 // what a range may begin with
	for first := true; ; first = false {
		switch {
		case i >= len(s):
			return nil, 0, false
		case s[i] == ']' && !first:
			if negated {
				for k := range in {
					in[k] = ^in[k]
				}
			}
			return &in, i, true
		case s[i] == '-' && low >= 0 && i+1 < len(s) && s[i+1] != ']':
			i++
			high, next, ok := member(s, i)
			if !ok {
				return nil, 0, false
			}
			for c := low; c <= int(high); c++ {
				add(byte(c))
			}
			low, i = -1, next
		case strings.HasPrefix(s[i:], "[:"):
			name, next, named := setName(s, i)
			switch has := classes[name]; {
			case next < 0:
				return nil, 0, false
			case !named:
				add('[')
				low, i = '[', i+1
			case has == nil:
				return nil, 0, false
			default:
				for c := range 256 {
					if has(byte(c)) {
						add(byte(c))
					}
				}
				low, i = -1, next
			}
		default:
			c, next, ok := member(s, i)
			if !ok {
				return nil, 0, false
			}
			add(c)
			low, i = int(c), next
		}
	}
}

// member is one byte of a class, a backslash before it taken away.
func member(s string, i int) (c byte, next int, ok bool) {
	if s[i] == '\\' {
		i++
	}
	if i >= len(s) {
		return 0, 0, false
	}
	return s[i], i + 1, true
}

// setName reads [:name:]; named is false if the bracket is an ordinary member, next is negative if nothing closes it.
func setName(s string, i int) (name string, next int, named bool) {
	length := strings.IndexByte(s[i+2:], ']')
	if length < 0 {
		return "", -1, false
	}
	name = s[i+2 : i+2+length]
	name, named = strings.CutSuffix(name, ":")
	return name, i + 2 + length + 1, named
}
