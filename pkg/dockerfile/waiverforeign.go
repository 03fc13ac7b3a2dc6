package dockerfile

import (
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// hadolint reads "# hadolint ignore=CODE,CODE" for the instruction directly below (other comments may stand between),
// "stage ignore" for the rest of the stage and "global ignore" for the file, each with an optional "# reason" at the
// end. Anything else behind the list, and hadolint does not read the comment at all. Tally's ";reason=" is read, too.
// Source: hadolint 2.15 src/Hadolint/Pragma.hs.
func (c *comment) hadolint() []Waiver {
	s := cursor{text: c.text}
	s.exact("#")
	s.blanks()
	if !s.exact("hadolint") || !s.blanks() {
		return nil
	}
	scope := ScopeInstruction
	switch {
	case s.exact("global"):
		scope = ScopeFile
	case s.exact("stage"):
		scope = ScopeStage
	}
	if scope != ScopeInstruction && !s.blanks() || !s.exact("ignore") {
		return nil
	}
	s.blanks()
	if !s.exact("=") {
		return nil
	}
	w := c.waiver(StyleHadolint, scope)
	w.Rules = c.words(s.list(func(b byte) bool { return strings.IndexByte("DLSC0123456789", b) >= 0 }))
	s.blanks()
	switch {
	case len(w.Rules) == 0 || scope == ScopeInstruction && !c.touches:
		return nil
	case s.exact("#"), s.exact(";reason="):
		w.Reason = strings.TrimSpace(s.text[s.at:])
	case !s.done():
		return nil
	}
	return []Waiver{w}
}

// tally reads "# tally ignore=NAME,NAME;reason=TEXT" for the instruction below, whatever blank lines stand between, and
// "global ignore" for the file. Source: tally internal/directive/parser.go.
func (c *comment) tally() []Waiver {
	s := cursor{text: c.text}
	s.skip("#")
	s.blanks()
	if !s.fold("tally") || !s.blanks() {
		return nil
	}
	scope := ScopeInstruction
	if s.fold("global") {
		scope = ScopeFile
		s.blanks()
	}
	if !s.fold("ignore") {
		return nil
	}
	s.blanks()
	if !s.fold("=") {
		return nil
	}
	w := c.waiver(StyleTally, scope)
	w.Rules = c.words(s.list(func(b byte) bool { return ruleByte(b) && b != ';' }))
	s.blanks()
	switch {
	case len(w.Rules) == 0:
		return nil
	case s.fold(";reason"):
		s.blanks()
		s.fold("=")
		w.Reason = strings.TrimSpace(s.text[s.at:])
	case !s.done():
		return nil
	}
	return []Waiver{w}
}

// trivy reads "# trivy:ignore:ID:exp:DATE", several in a comment, for the instruction directly below. An ID of * names
// no rule and is left alone. Source: trivy pkg/iac/ignore.
func (c *comment) trivy() []Waiver {
	if !c.touches {
		return nil
	}
	var out []Waiver
	for at := 0; ; {
		i := strings.Index(c.text[at:], "trivy:ignore:")
		if i < 0 {
			return out
		}
		word := at + i
		at = word + len("trivy:ignore:")
		if before := strings.TrimLeft(c.text[:word], "#/* \t"); before != "" && !strings.HasSuffix(before, " ") {
			continue // inside a word
		}
		s := cursor{text: c.text, at: at}
		id := s.until(":[ \t")
		if id == "" || id == "*" {
			continue
		}
		w := c.waiver(StyleTrivy, ScopeInstruction)
		w.Rules = c.words([]token{{at, at + len(id)}})
		s.until(": \t")
		if s.exact(":exp:") {
			w.Until = s.until(": \t")
			if _, err := time.Parse(time.DateOnly, w.Until); err != nil {
				continue // which trivy takes for long over
			}
		}
		out = append(out, w)
	}
}

// checkov reads "# checkov:skip=ID:reason", which is about the whole file wherever it stands; "bridgecrew:" and
// "cortex:" are its other names. Source: checkov checkov/common/comment/enum.py.
func (c *comment) checkov() []Waiver {
	for _, name := range []string{"checkov", "bridgecrew", "cortex"} {
		i := strings.Index(c.text, name+":skip=")
		if i < 0 {
			continue
		}
		s := cursor{text: c.text, at: i + len(name+":skip=")}
		w := c.waiver(StyleCheckov, ScopeFile)
		w.Rules = c.words(s.list(func(b byte) bool {
			return b == '_' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
		}))
		if len(w.Rules) == 0 {
			return nil
		}
		if s.blanks(); s.exact(":") {
			w.Reason = strings.TrimSpace(s.text[s.at:])
		}
		return []Waiver{w}
	}
	return nil
}

// buildkitWaivers reads BuildKit's own comment for one instruction: of those above it the first that is one. A comment
// with nothing in it ends the ones before it, an indented one is none, and one that cannot be read silences the others.
// Source: Linter.WithMergedConfigFromComments of frontend/dockerfile/linter, Parse of frontend/dockerfile/parser.
func buildkitWaivers(above []comment) []Waiver {
	from := 0
	for i, c := range above {
		if !c.indent && strings.TrimSpace(c.text[1:]) == "" {
			from = i + 1
		}
	}
	for _, c := range above[from:] {
		if c.indent || c.on == nil {
			continue
		}
		p := parser.DirectiveParser{}
		p.SetComment("#")
		d, _ := p.ParseLine([]byte(c.text))
		if d == nil || d.Name != "check" {
			continue
		}
		value, _, _ := strings.Cut(d.Value, " ")
		return c.buildkit(ScopeInstruction, value)
	}
	return nil
}

// buildkit is the waiver of a check option, none if it skips nothing by name. What "skip=all" skips is BuildKit's own.
func (c *comment) buildkit(scope WaiverScope, options string) []Waiver {
	w := c.waiver(StyleBuildKit, scope)
	if w.Rules = c.checks(options); len(w.Rules) == 0 {
		return nil
	}
	return []Waiver{w}
}

// checks places the names that a check option skips.
func (c *comment) checks(options string) []Word {
	config, err := linter.ParseLintOptions(options)
	if err != nil {
		return nil
	}
	var names []token
	at := strings.Index(c.text, "skip")
	for _, name := range config.SkipRules {
		if i := strings.Index(c.text[max(at, 0):], name); i >= 0 && name != "" {
			names = append(names, token{at + i, at + i + len(name)})
			at += i + len(name)
		}
	}
	return c.words(names)
}
