package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// scope is what names mean at one point of a Dockerfile or of a shell script. What it does not define is looked up in
// the scope above it, so that a subshell or a stage built on another one is just a new scope.
type scope struct {
	up     *scope
	escape byte
	lex    *shell.Lex // of this escape character, shared by the scopes of a file
	names  map[string]binding
	// open is true when a base image, which is not read here, may define any other name.
	open    bool
	longest int // length of the longest known value
}

// binding is the meaning of one name.
type binding struct {
	kind  bindingKind
	value string
	local bool // a shell variable that programs do not see
	// because are the names of the ARGs without a value that make it unknown, as far as they do.
	because []string
}

type bindingKind uint8

const (
	undefined bindingKind = iota // nothing here defines it
	known                        // it has this value
	unknown                      // its value depends on something not known before the build
	// asked is an ARG without a value: the person who builds may give one, so that "${X:-y}" is y but "$X" is not known.
	asked
)

// Values that grow by naming themselves ("ENV A=$A$A") must not eat the memory: beyond these bounds they are unknown.
const (
	maxValue     = 1 << 16
	maxExpansion = 1 << 24
)

// newScope is an empty scope.
func newScope(lex *shell.Lex, escape byte) *scope {
	return &scope{escape: escape, lex: lex, names: map[string]binding{}}
}

// inner is a new scope below s.
func (s *scope) inner(escape byte) *scope {
	c := &scope{up: s, escape: escape, lex: s.lex, names: map[string]binding{}, open: s.open, longest: s.longest}
	if escape != s.escape {
		c.lex = shell.NewLex(rune(escape))
	}
	return c
}

// lookup finds a name here or above.
func (s *scope) lookup(name string) binding {
	for ; s != nil; s = s.up {
		if b, ok := s.names[name]; ok {
			return b
		}
	}
	return binding{}
}

// set gives a name a value; isKnown false, or a value beyond maxValue, makes it unknown.
func (s *scope) set(name, value string, isKnown bool) {
	if !isKnown || len(value) > maxValue {
		s.names[name] = binding{kind: unknown}
		return
	}
	s.names[name] = binding{kind: known, value: value}
	s.longest = max(s.longest, len(value))
}

// ask declares an ARG without a value; a value that the name has already stays.
func (s *scope) ask(name string) {
	if s.lookup(name).kind == undefined {
		s.names[name] = binding{kind: asked}
	}
}

// environment is a scope as BuildKit's word expansion wants it, with a guess for some names.
type environment struct {
	scope   *scope
	guessed []string
	guess   string
}

// Get implements shell.EnvGetter.
func (e environment) Get(name string) (string, bool) {
	if slices.Contains(e.guessed, name) {
		return e.guess, true
	}
	b := e.scope.lookup(name)
	return b.value, b.kind == known
}

// Keys implements shell.EnvGetter. Expansion does not use it.
func (e environment) Keys() []string { return nil }

// expand expands a word like BuildKit does. isKnown is false, and the value then "", when it depends on a name whose
// value cannot be known. An error is one that BuildKit would give whatever the unknown names turn out to be.
func (s *scope) expand(word string) (value string, isKnown bool, err error) {
	if plainWord(word, s.escape) {
		return word, true, nil
	}
	if len(word)*s.longest > maxExpansion {
		return "", false, nil
	}
	result, err := s.process(word, environment{scope: s})
	doubtful := s.doubtful(word, result.Unmatched)
	if len(doubtful) == 0 {
		return result.Result, err == nil, err
	}
	// Whatever the doubtful names are, does the word come to the same?
	for _, guess := range []string{"", "\x01a", "\x01b"} {
		other, otherErr := s.process(word, environment{scope: s, guessed: doubtful, guess: guess})
		if err != nil && otherErr != nil {
			continue
		}
		if err != nil || otherErr != nil || other.Result != result.Result {
			return "", false, nil
		}
	}
	return result.Result, err == nil, err
}

// plainWord reports whether a word comes to itself: nothing in it is quoted, escaped or expanded.
func plainWord(word string, escape byte) bool {
	return !strings.ContainsAny(word, `$'"`) && strings.IndexByte(word, escape) < 0
}

func (s *scope) process(word string, env environment) (shell.ProcessWordResult, error) {
	if plainWord(word, s.escape) {
		return shell.ProcessWordResult{Result: readable(word)}, nil
	}
	return s.lex.ProcessWordWithMatches(readable(word), env)
}

// why names the ARGs without a value that keep a word from being known, sorted.
func (s *scope) why(word string, isKnown bool) []string {
	if isKnown {
		return nil
	}
	result, _ := s.process(word, environment{scope: s})
	var names []string
	for _, name := range s.doubtful(word, result.Unmatched) {
		if b := s.lookup(name); b.kind == asked {
			names = append(names, name)
		} else {
			names = append(names, b.because...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// explain says why the value of a name is unknown.
func (s *scope) explain(name string, because []string) {
	if b := s.names[name]; b.kind == unknown {
		b.because = because
		s.names[name] = b
	}
}

// doubtful picks the names that were not found but may have a value in a build.
func (s *scope) doubtful(word string, missing map[string]struct{}) []string {
	var names []string
	for name := range missing {
		switch s.lookup(name).kind {
		case unknown:
			names = append(names, name)
		case asked:
			if usedBare(word, name) {
				names = append(names, name)
			}
		case undefined:
			if s.open {
				names = append(names, name)
			}
		}
	}
	return names
}

// usedBare reports whether a word uses a variable in a form that does not itself say what an unset one means:
// $NAME, ${NAME}, ${NAME#x}, but not ${NAME:-x} or ${NAME+x}.
func usedBare(word, name string) bool {
	for i := 0; ; {
		k := strings.Index(word[i:], name)
		if k < 0 {
			return false
		}
		before, after := word[:i+k], word[i+k+len(name):]
		i += k + len(name)
		if strings.HasSuffix(before, "${") {
			after = strings.TrimPrefix(after, ":")
			if !strings.HasPrefix(after, "-") && !strings.HasPrefix(after, "+") {
				return true
			}
		} else if strings.HasSuffix(before, "$") {
			return true
		}
	}
}
