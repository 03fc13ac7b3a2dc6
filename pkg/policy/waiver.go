package policy

import (
	"slices"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// waiver is one request to pass a rule's findings over, wherever it is written. A comment that names two rules is two.
type waiver struct {
	audit.Waived
	rules []string // what it waives: the rule it names, or the rules that mean the fault of another program's code
	// covers reports whether a finding is where the waiver is about.
	covers func(*audit.Finding) bool
	// idle reports whether it would be known here that it is of no use, so that it can be said.
	idle func(*audit.Result) bool
	used bool
}

// Waive marks the findings that the comments of their Dockerfiles waive, and adds findings of Rules about waivers that
// have expired, cannot be read or are of no use. results[i] belongs to subjects[i]; rules are those that were run.
//
// A waived finding stays in the result and does not count for a verdict. What could not be read cannot be waived.
// Comments of a Dockerfile that came with the image waive nothing: whoever made the image wrote them.
func Waive(subjects []*audit.Subject, results []*audit.Result, rules []*audit.Rule) {
	told := map[string][]*waiver{} // of each Dockerfile by path: its waivers, the same for every image made from it
	homes := map[string]int{}      // the subject that its findings are added to
	for i, s := range subjects {
		if s.Dockerfile == nil || s.DockerfileCarried {
			continue
		}
		path := s.Dockerfile.Path
		waivers := commentWaivers(s, rules)
		apply(waivers, results[i], s.Now)
		if _, seen := homes[path]; !seen {
			told[path], homes[path] = waivers, i
			results[i].Add(malformed(s, rules)...)
			results[i].Add(expired(waivers, s.Now)...)
			continue
		}
		for k, w := range waivers { // another platform of the same service
			told[path][k].used = told[path][k].used || w.used
		}
	}
	for path, i := range homes {
		results[i].Add(unused(told[path], subjects[i], results[i])...)
	}
}

// apply marks what live waivers cover, by the narrowest of them; all that cover a finding are of use.
func apply(waivers []*waiver, res *audit.Result, now time.Time) {
	for i := range res.Findings {
		f := &res.Findings[i]
		for _, w := range waivers {
			if !slices.Contains(w.rules, f.Rule) || !w.covers(f) {
				continue
			}
			w.used = true
			if f.Waived == nil && !w.expired(now) {
				waived := w.Waived
				f.Waived = &waived
			}
		}
	}
}

// expired reports whether a waiver's last day is over. Without a date of the audit nothing has expired.
func (w *waiver) expired(now time.Time) bool {
	return w.Until != "" && !now.IsZero() && now.UTC().Format(time.DateOnly) > w.Until
}
