package audit

import "slices"

// yield marks the findings of which another rule has said the same, and more. They keep no fix: the other has it.
func (res *Result) yield(rules []*Rule) {
	for _, r := range rules {
		if len(r.Yields) == 0 {
			continue
		}
		for k := range res.Findings {
			if f := &res.Findings[k]; f.Rule == r.ID {
				if f.SameAs = res.sayer(f, r.Yields); f.SameAs != "" {
					f.Fix = nil
				}
			}
		}
	}
}

// sayer is the first of the rules that has a finding at the place of f.
func (res *Result) sayer(f *Finding, rules []string) string {
	for _, id := range rules {
		if slices.ContainsFunc(res.Findings, func(o Finding) bool { return o.Rule == id && overlap(f.Location, o.Location) }) {
			return id
		}
	}
	return ""
}

// overlap reports whether two places have a byte in common.
func overlap(a, b *Location) bool {
	if a == nil || b == nil || a.File != b.File {
		return false
	}
	before := func(line, column int, l *Location) bool {
		return line < l.Line || line == l.Line && column <= l.Column
	}
	return !before(a.EndLine, a.EndColumn, b) && !before(b.EndLine, b.EndColumn, a)
}
