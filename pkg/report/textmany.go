package report

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/policy"
)

// many writes the verdict of several subjects, then each that has findings with them. Those without are named, or
// counted where they are many.
func (t *text) many() {
	verdicts := t.report.each()
	var clean []string
	fails, other := 0, 0
	for i, s := range t.report.Subjects {
		switch v := verdicts[i]; {
		case v.Outcome == policy.Fail:
			fails++
		case v.Counts.Total() > 0:
			other++
		case v.Outcome == policy.Pass:
			clean = append(clean, nameOf(s))
		}
	}
	t.line("%s  %s", t.outcome(), t.bold(subjects(t.report.Subjects)))
	t.line("      %s", tally(len(verdicts), fails, other, len(clean)))
	t.line("      %s", summary(t.report.Verdict.Counts, t.report.Verdict.FailOn))
	t.clean(clean)
	for _, s := range t.report.Subjects {
		if s.Image != nil || t.opt.Verbose {
			t.line("      looked at: %s", printable(lookedAt(s)))
		}
	}
	for i, s := range t.report.Subjects {
		c := verdicts[i].Counts
		if c.Total() == 0 && (c.Waived == 0 || !t.opt.Verbose) {
			continue
		}
		t.line("")
		t.line("%s %s", t.bold("== "+printable(nameOf(s))), t.dim("("+strings.Join(found(c), ", ")+")"))
		t.findings(i)
	}
}

// nameOf tells a subject from the others: images of one index have one name.
func nameOf(s Subject) string {
	if s.Image != nil {
		return s.Image.Ref + " (" + s.Image.Platform + ")"
	}
	return subjectName(s)
}

// each is the verdict of each subject by itself.
func (r *Report) each() []policy.Verdict {
	unread := make([]int, len(r.Subjects))
	for _, u := range r.Unread {
		unread[u.Subject]++
	}
	var out []policy.Verdict
	rest := r.Findings // in the order of the subjects
	for i := range r.Subjects {
		n := 0
		for n < len(rest) && rest[n].Subject == i {
			n++
		}
		out = append(out, policy.Decide(rest[:n], unread[i], r.Verdict.FailOn))
		rest = rest[n:]
	}
	return out
}

// found lists what was found by severity.
func found(c policy.Counts) []string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Error, "error"}, {c.Warning, "warning"}, {c.Note, "note"}} {
		if p.n > 0 {
			parts = append(parts, plural(p.n, p.what))
		}
	}
	if c.Waived > 0 {
		parts = append(parts, fmt.Sprintf("%d waived", c.Waived))
	}
	return parts
}

// clean names the subjects without a finding.
func (t *text) clean(names []string) {
	const most = 8
	switch {
	case len(names) == 0:
	case len(names) > most && !t.opt.Verbose:
		t.line("      clean: %s and %d more (-v names them)", printable(strings.Join(names[:most-1], ", ")), len(names)-most+1)
	default:
		t.line("      clean: %s", printable(strings.Join(names, ", ")))
	}
}

// subjects says what the subjects are.
func subjects(all []Subject) string {
	for _, s := range all {
		if s.Image != nil || s.Dockerfile == "" {
			return plural(len(all), "subject")
		}
	}
	return plural(len(all), "Dockerfile")
}

// tally counts the subjects by how they came off.
func tally(all, fails, other, clean int) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{fails, "%d failing"}, {other, "%d with findings that do not fail"}, {clean, "%d clean"}, {all - fails - other - clean, "%d that could not be audited"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf(p.what, p.n))
		}
	}
	return strings.Join(parts, ", ")
}
