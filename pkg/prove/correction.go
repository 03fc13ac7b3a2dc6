package prove

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// showsIn are the conditions beside the first one in which a rule's finding shows.
var showsIn = map[string]string{
	"readonly-root-unwritable": "read-only root", "runs-as-root": "another user", "user-not-numeric": "another user", "temp-dir-missing": "another user",
	"timezone-unresolved": "TZ=" + zone, "stop-signal-lost": "SIGINT", "stop-signal-unhandled": "SIGINT",
}

// ConditionsOf are the conditions under which a correction of these rules' findings is proven.
func ConditionsOf(rules []string) []string {
	names := []string{asBuilt}
	for _, id := range rules {
		if name, ok := showsIn[id]; ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Refusal says why the proofs of a file before and after its correction do not prove the correction, nil if they do: the
// corrected file builds, its image runs as foretold, what was corrected is gone, and what went well still does. fixed are
// the rules whose findings were corrected. The outcome is OutcomeUnproven when nothing speaks against the correction but
// that it could not be seen.
func Refusal(before, after *audit.Proof, fixed []string) (reasons []string, outcome audit.Outcome) {
	outcome = audit.OutcomeHolds
	refuse := func(o audit.Outcome, format string, args ...any) {
		reasons = append(reasons, fmt.Sprintf(format, args...))
		if outcome != audit.OutcomeDiffers {
			outcome = o
		}
	}
	if b := after.Build; b != nil && b.Failed != "" {
		o := audit.OutcomeDiffers
		if b.Outcome == audit.OutcomeUnproven {
			o = audit.OutcomeUnproven
		}
		refuse(o, "the corrected file does not build: %s", b.Failed)
		return reasons, outcome
	}
	if len(after.Steps) == 0 {
		refuse(audit.OutcomeUnproven, "the corrected image was not run")
	}
	for i := range after.Steps {
		now := &after.Steps[i]
		if now.Outcome != audit.OutcomeHolds {
			refuse(now.Outcome, "%s: %s", now.Name, now.Because)
			continue
		}
		was := stepOf(before, now.Name)
		for _, rule := range fixed {
			if n := foretold(now, rule); was != nil && n > 0 && n >= foretold(was, rule) {
				refuse(audit.OutcomeDiffers, "%s: what %s found is still there", now.Name, rule)
			}
		}
		if was != nil && trouble(&was.Observed) == "" {
			if worse := worsened(&was.Observed, &now.Observed); worse != "" {
				refuse(audit.OutcomeDiffers, "%s: it went well before, and now %s", now.Name, worse)
			}
		}
	}
	return reasons, outcome
}

// stepOf is the run under a condition, nil if there is none.
func stepOf(p *audit.Proof, name string) *audit.Step {
	for i := range p.Steps {
		if p.Steps[i].Name == name {
			return &p.Steps[i]
		}
	}
	return nil
}

// foretold counts a rule's predictions.
func foretold(s *audit.Step, rule string) (n int) {
	for _, p := range s.Predictions {
		if p.Rule == rule {
			n++
		}
	}
	return n
}

// worsened says what went well before and does no longer, "" if nothing.
func worsened(was, now *audit.Observation) string {
	switch {
	case trouble(now) != "":
		return trouble(now)
	case was.Ended != now.Ended:
		return summary(now)
	case len(was.Listens) > 0 && len(now.Listens) == 0:
		return "it does not listen"
	case was.Status != now.Status:
		return fmt.Sprintf("it answers %d in place of %d", now.Status, was.Status)
	case was.Stop != nil && now.Stop != nil && was.Stop.Request == "answered" && now.Stop.Request != "answered":
		return "the request under way is lost when it is stopped"
	}
	return ""
}
