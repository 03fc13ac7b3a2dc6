package policy

import (
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// commentWaivers are the waivers that a Dockerfile's comments make, those about an instruction first, then a stage's,
// then the file's: the narrowest that covers a finding is named. What cannot be read, or names no rule, is left out.
func commentWaivers(s *audit.Subject, rules []*audit.Rule) []*waiver {
	var out []*waiver
	written := s.Dockerfile.Waivers()
	for _, scope := range []dockerfile.WaiverScope{dockerfile.ScopeInstruction, dockerfile.ScopeStage, dockerfile.ScopeFile} {
		for i := range written {
			w := &written[i]
			if w.Scope != scope || w.Fault != "" {
				continue
			}
			for _, name := range w.Rules {
				m := meaningOf(w.Style, name.Value)
				if w.Style == dockerfile.StyleImgaudit && find(rules, name.Value) == nil {
					m.rules = nil
				}
				if len(m.rules) == 0 {
					continue
				}
				out = append(out, &waiver{
					Waived: audit.Waived{By: "comment", Style: string(w.Style), Names: name.Value, Reason: w.Reason, Until: w.Until, Location: place(s, w.Span)},
					rules:  m.rules,
					covers: func(f *audit.Finding) bool { return weighty(w.Style, f) && covers(s, w, f) },
					idle:   func(res *audit.Result) bool { return m.whole && idle(s, w, m.rules, rules, res) },
				})
			}
		}
	}
	return out
}

// weighty reports whether comments of a style may waive a finding. One that was written for another program knows nothing
// of what is proven here: it waives no error.
func weighty(style dockerfile.WaiverStyle, f *audit.Finding) bool {
	return style == dockerfile.StyleImgaudit || f.Severity != audit.Error
}

// covers reports whether a waiver is about the place that a finding blames. A finding that blames no line is the final
// stage's, if the image was built from this Dockerfile; so is one that blames the base image the final stage stands on.
func covers(s *audit.Subject, w *dockerfile.Waiver, f *audit.Finding) bool {
	if w.Scope == dockerfile.ScopeFile {
		fits, _ := s.DockerfileFits()
		return f.Location != nil || fits
	}
	final := s.Dockerfile.Final()
	stages := w.Scope == dockerfile.ScopeStage && w.Stage != nil && w.Stage == final
	if f.Location == nil {
		fits, _ := s.DockerfileFits()
		return fits && stages
	}
	if f.Location.File != s.Dockerfile.Path {
		return false
	}
	return w.Covers(f.Location.Line) || stages && f.Location.Line == final.Root().From.Span.Start.Line
}

// idle reports whether a waiver that covered nothing is known to be of no use: every rule it names was run with all
// that it can look at, found nothing in this Dockerfile that a waiver of another place could be for, and the build
// looked at is the only one that the file is for.
func idle(s *audit.Subject, w *dockerfile.Waiver, names []string, rules []*audit.Rule, res *audit.Result) bool {
	if len(s.Unread) > 0 || s.Has()&audit.Context == 0 {
		return false
	}
	for _, stage := range s.Dockerfile.Stages {
		if (w.Stage == nil || w.Stage == stage) && !s.Dockerfile.Reachable(stage) {
			return false // another target may need it
		}
	}
	for _, name := range names {
		r := find(rules, name)
		if r == nil || (r.Sees.All|r.Sees.Any)&^s.Has() != 0 {
			return false
		}
		for i := range res.Findings {
			f := &res.Findings[i]
			if w.Style != dockerfile.StyleImgaudit && f.Rule == name {
				return false
			}
		}
	}
	return true
}

func find(rules []*audit.Rule, id string) *audit.Rule {
	for _, r := range rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// place is where a span of the subject's Dockerfile is.
func place(s *audit.Subject, sp dockerfile.Span) audit.Location {
	return audit.Location{File: s.Dockerfile.Path, Line: sp.Start.Line, Column: sp.Start.Column, EndLine: sp.End.Line, EndColumn: sp.End.Column}
}
