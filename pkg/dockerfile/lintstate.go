package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"
)

// checkState is what BuildKit's dispatchState holds at one instruction, as far as its checks look at it.
type checkState struct {
	*scope                     // the environment; open when a base image that is not known may define more
	up         *checkState     // the parent stage's
	order      []string        // names in the order in which they were set
	defined    int             // how many, those of the parent counted
	image      []imageVar      // the image's ENV
	args       map[string]bool // names of ARG of this stage
	shell      bool            // SHELL was chosen
	workdirSet bool            // by a WORKDIR of the file
	dir        string          // the working directory, "" if it is not known
	os         string
	// The last CMD, ENTRYPOINT and HEALTHCHECK of the stage.
	cmd, entrypoint, healthcheck tracker
}

// tracker is an instruction of which only the last one counts.
type tracker struct {
	in       *Instruction
	location []parser.Range
}

// imageVar is one variable of an image's configuration.
type imageVar struct {
	key, value string
	known      bool
}

// newState is the state behind FROM.
func (c *check) newState(s *Stage) *checkState {
	cs := &checkState{scope: newScope(c.r.lex, c.r.file.Escape), args: map[string]bool{}}
	c.states[s] = cs
	if up := c.states[s.Parent]; s.Parent != nil && up != nil {
		cs.scope, cs.up, cs.defined = up.inner(c.r.file.Escape), up, up.defined
		cs.image, cs.shell, cs.os = slices.Clone(up.image), up.shell, up.os
		cs.workdirSet, cs.dir = up.workdirSet, up.dir
	} else {
		c.base(s, cs)
	}
	if cs.os != "windows" && !slices.ContainsFunc(cs.image, func(v imageVar) bool { return v.key == "PATH" }) {
		cs.addImage("PATH", defaultPath, !cs.open)
	}
	for _, v := range cs.image {
		cs.define(v.key, v.value, v.known)
	}
	return cs
}

// base is the state of a stage that starts from an image, or from nothing.
func (c *check) base(s *Stage, cs *checkState) {
	cs.os, _, _ = parsePlatform(c.global.lookup("TARGETPLATFORM").value)
	if !s.Scratch() && s.Platform != "" {
		cs.os, _, _ = parsePlatform(s.Platform)
	}
	if cs.open = !s.Scratch(); !cs.open {
		cs.dir = "/"
	}
	if b := s.Inherited; b != nil {
		cs.open, cs.shell = false, len(b.Shell) > 0
		cs.dir = path.Join("/", b.WorkDir)
		for _, kv := range b.Env {
			key, value, _ := strings.Cut(kv, "=")
			cs.addImage(key, value, true)
		}
		for _, key := range b.UnknownEnv {
			cs.addImage(key, "", false)
		}
	}
}

// define sets a variable.
func (cs *checkState) define(key, value string, isKnown bool) {
	cs.set(key, value, isKnown)
	cs.order = append(cs.order, key)
	cs.defined++
}

// argument reports whether an ARG of the stage or of those below it has a name.
func (cs *checkState) argument(name string) bool {
	for ; cs != nil; cs = cs.up {
		if cs.args[name] {
			return true
		}
	}
	return false
}

// addImage sets a variable of the image, in the place of an earlier one of that name.
func (cs *checkState) addImage(key, value string, isKnown bool) {
	isKnown = isKnown && len(value) <= maxValue
	if !isKnown {
		value = ""
	}
	k := slices.IndexFunc(cs.image, func(v imageVar) bool { return v.key == key })
	switch {
	case k >= 0:
		cs.image[k] = imageVar{key, value, isKnown}
	case len(cs.image) < maxVariables:
		cs.image = append(cs.image, imageVar{key, value, isKnown})
	}
}

// names are the names of the environment in the order of BuildKit's EnvList: the one set last is last.
func (cs *checkState) names() []string {
	var keys []string
	seen := map[string]bool{}
	for ; cs != nil; cs = cs.up {
		for _, name := range slices.Backward(cs.order) {
			if !seen[name] {
				seen[name] = true
				keys = append(keys, name)
			}
		}
	}
	slices.Reverse(keys)
	return keys
}

// expand expands a word, which stands in one of the places, and reports the variables that nothing defines, like
// reportUnmatchedVariables. isKnown is false when the value depends on the base image; no error is given then.
func (d *dispatch) expand(word string, places ...Span) (value string, isKnown bool, err error) {
	if plainWord(word, d.r.file.Escape) {
		return word, true, nil
	}
	return d.process(d.r.lex, word, places)
}

func (d *dispatch) process(lex *shell.Lex, word string, places []Span) (value string, isKnown bool, err error) {
	if len(word)*d.longest > maxExpansion {
		return "", false, nil
	}
	value, missing, err := lex.ProcessWord(readable(word), environment{scope: d.scope})
	isKnown = true
	for _, name := range sortedNames(missing) {
		if d.lookup(name).kind == unknown {
			isKnown = false
			continue
		}
		isKnown = isKnown && !d.open
		if !d.argument(name) && !slices.Contains(scanArgs, name) {
			d.undefined(name, lex, places)
		}
	}
	if !isKnown {
		err = nil
	}
	return value, isKnown, err
}

// undefined reports one variable that nothing defines.
func (d *dispatch) undefined(name string, lex *shell.Lex, places []Span) {
	if d.full() {
		return
	}
	near := ""
	if d.defined <= maxSuggested {
		near, _ = suggest.Search(name, d.names(), true)
	}
	d.about(d.in, d.variableIn(places, name, !lex.SkipProcessQuotes))
	d.unsure = d.open
	rule := &linter.RuleUndefinedVar
	d.lint.Run(rule, d.location, rule.Format(name, near))
}

// variableIn is the first place of a variable that has not been reported yet.
func (d *dispatch) variableIn(places []Span, name string, quotes bool) Span {
	if d.trigger {
		return d.place(0)
	}
	for _, place := range places {
		for _, at := range d.r.variables(place, name, quotes) {
			if !d.used[at.Start.Offset] {
				if d.used == nil {
					d.used = map[int]bool{}
				}
				d.used[at.Start.Offset] = true
				return at
			}
		}
	}
	return places[0]
}
