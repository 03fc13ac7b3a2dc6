package dockerfile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/patternmatcher"
)

// contextSource is one source of COPY or ADD that comes from the context.
type contextSource struct {
	Warning // without a message; Fails if any warning of the target's build does
	verb    string
	path    string
}

// copied expands COPY or ADD in BuildKit's order, and keeps what it takes from the context for Ignored.
func (d *dispatch) copied(verb string, what instructions.SourcesAndDest, context bool, flags ...string) error {
	values := make([]expanded, len(flags))
	for k, name := range []string{"chown", "chmod", "checksum"}[:len(flags)] {
		value, isKnown, err := d.expand(flags[k], d.flag(name))
		if err != nil {
			return err
		}
		values[k] = expanded{value, isKnown}
	}
	var at []Span // of the sources that are paths
	for k := range max(len(d.in.Words)-1, 0) {
		if !d.trigger && parser.MustParseHeredoc(d.in.Words[k].Value) == nil {
			at = append(at, d.in.Words[k].Span)
		}
	}
	place := func(k int) Span {
		if k < len(at) {
			return at[k]
		}
		return d.place(0)
	}
	var sources []expanded
	for k, src := range what.SourcePaths {
		value, isKnown, err := d.expand(src, place(k))
		if err != nil {
			return err
		}
		sources = append(sources, expanded{value, isKnown})
	}
	if _, _, err := d.expand(what.DestPath, d.place(len(d.in.Words)-1)); err != nil {
		return err
	}
	if err := d.heredocs(what); err != nil {
		return err
	}
	if err := refuseFlags(sources, values[1:]); err != nil {
		return err
	}
	for k, src := range sources {
		switch {
		case verb == "Copy" && src.known && (strings.HasPrefix(src.text, "http://") || strings.HasPrefix(src.text, "https://")):
			return errors.New("source can't be a URL for COPY")
		case verb == "Copy" && src.known && remote(src.text):
			return errors.New("source can't be a git ref for COPY")
		case src.known && context && !remote(src.text):
			d.keepSource(verb, src.text, place(k))
		}
	}
	return nil
}

// refuseFlags gives BuildKit's errors about --chmod, and about --checksum of what is not fetched.
func refuseFlags(sources, flags []expanded) error {
	if chmod := flags[0]; chmod.known && chmod.text != "" {
		mode, err := strconv.ParseUint(chmod.text, 8, 32)
		if err == nil && mode > 0o7777 || err != nil && unicode.IsDigit(rune(chmod.text[0])) {
			return fmt.Errorf("invalid chmod parameter: '%v'. it should be octal string and between 0 and 07777", chmod.text)
		}
	}
	if len(flags) < 2 || !flags[1].known || flags[1].text == "" {
		return nil
	}
	switch {
	case len(sources) != 1:
		return errors.New("checksum can't be specified for multiple sources")
	case sources[0].known && !remote(sources[0].text) && !strings.HasPrefix(sources[0].text, "github.com/"):
		return errors.New("checksum requires HTTP(S) or Git sources")
	}
	return nil
}

// flag is the span of a flag, that of the keyword if it is not there.
func (d *dispatch) flag(name string) Span {
	for _, f := range d.in.Flags {
		if f.Name == name && !d.trigger {
			return f.Span
		}
	}
	return d.place(0)
}

// heredocs expands the bodies of inline files: variables only, quotes mean nothing there.
func (d *dispatch) heredocs(what instructions.SourcesAndDest) error {
	for k, content := range what.SourceContents {
		if !content.Expand {
			continue
		}
		at := d.place(0)
		if !d.trigger && k < len(d.in.Heredocs) {
			at = d.in.Heredocs[k].Span
		}
		lex := shell.NewLex('\\')
		lex.SkipProcessQuotes = true
		if _, _, err := d.process(lex, content.Data, []Span{at}); err != nil {
			return err
		}
	}
	return nil
}

// keepSource keeps a source unless CopyIgnoredFile is skipped for it.
func (d *dispatch) keepSource(verb, src string, at Span) {
	if d.full() || len(d.r.file.sources) >= maxWarnings {
		return
	}
	rule := &linter.RuleCopyIgnoredFile
	before := len(d.r.file.Warnings)
	d.about(d.in, at)
	d.lint.Run(rule, d.location, "")
	if len(d.r.file.Warnings) > before {
		w := d.r.file.Warnings[before]
		w.Fails = d.config.ReturnAsError
		d.r.file.sources = append(d.r.file.sources, contextSource{Warning: w, verb: verb, path: src})
		d.r.file.Warnings = d.r.file.Warnings[:before]
	}
}

// Ignored gives BuildKit's check CopyIgnoredFile: the sources of COPY and ADD that the context's ignore file excludes.
// Like BuildKit it says nothing when that file has "!" patterns.
func (f *File) Ignored(c *Context) []Warning {
	if c == nil || c.matcher == nil || c.matcher.patterns.Exclusions() {
		return nil
	}
	c.matcher.mu.Lock()
	defer c.matcher.mu.Unlock()
	var out []Warning
	for _, s := range f.sources {
		src := path.Clean(s.path)
		if (src == "." || src == "/") && !ignoresRoot(c.matcher.patterns) {
			continue
		}
		if excluded, err := c.matcher.patterns.MatchesOrParentMatches(src); err != nil || !excluded {
			continue
		}
		w := s.Warning
		w.Message = linter.RuleCopyIgnoredFile.Format(s.verb, src)
		w.Built = f.Reachable(w.By.Stage)
		w.Fails = w.Fails && w.Built
		out = append(out, w)
	}
	return out
}

// ignoresRoot is copySourceRootIgnored.
func ignoresRoot(m *patternmatcher.PatternMatcher) bool {
	return slices.ContainsFunc(m.Patterns(), func(p *patternmatcher.Pattern) bool {
		return !p.Exclusion() && slices.Contains([]string{"*", "**", "**/*"}, p.String())
	})
}
