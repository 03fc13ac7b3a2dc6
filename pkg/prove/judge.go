package prove

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// atStart are the rules whose proven errors say that the program does not start at all.
var atStart = []string{"loader-missing", "library-missing", "libc-mismatch", "architecture-mismatch", "entrypoint-missing", "entrypoint-not-executable", "shell-missing", "environment-malformed"}

// atStop are the rules that say how it takes its stop signal.
var atStop = []string{"stop-signal-lost", "stop-signal-unhandled", "stop-signal-mismatch"}

// whenReached are the rules whose findings show when the program comes to the code that has the need.
var whenReached = []string{"ca-roots-missing", "ca-roots-unreadable", "ca-roots-expired", "zoneinfo-missing", "temp-dir-missing", "user-database-missing", "resolver-fallback",
	"name-service-switch-missing", "healthcheck-cannot-run", "cgo-stub-linked", "command-missing", "entrypoint-missing"}

// predictions are the findings that a run can show.
func predictions(r *audit.Result) []audit.Prediction {
	all := []audit.Prediction{}
	for _, f := range r.Findings {
		if slices.Contains(atStart, f.Rule) || slices.Contains(atStop, f.Rule) || slices.Contains(whenReached, f.Rule) {
			all = append(all, audit.Prediction{Rule: f.Rule, Severity: f.Severity, Certainty: f.Certainty, Message: f.Message, Words: f.Words})
		}
	}
	return all
}

// event is one thing that went wrong in a run, with the rules that could have foretold it.
type event struct {
	words string
	rules []string
	known bool // some rule knows its words
}

// events lists what went wrong by itself, the worst first.
func events(o *audit.Observation, rulesFor func(message string) []string) (all []event) {
	known := rulesFor(o.FirstLine)
	isKnown := len(known) > 0
	known = append(known, conditionRules(o.FirstLine)...)
	switch {
	case o.Refused != "":
		all = append(all, event{o.Refused, append(rulesFor(o.Refused), atStart...), true})
	case o.OOMKilled:
		all = append(all, event{"the memory limit ended it", nil, true})
	case bad(o) && o.ExitCode != nil:
		if *o.ExitCode == 126 || *o.ExitCode == 127 { // a shell's and a loader's: whatever the words, it did not start
			known = append(known, atStart...)
		}
		all = append(all, event{fmt.Sprintf("exit code %d: %s", *o.ExitCode, o.FirstLine), known, isKnown})
	case bad(o):
		all = append(all, event{fmt.Sprintf("%s: %s", o.Signal, o.FirstLine), append(known, atStart...), isKnown})
	case o.Status >= 500:
		all = append(all, event{strings.TrimSuffix(fmt.Sprintf("it answers %d: %s", o.Status, o.FirstLine), ": "), known, isKnown})
	}
	for _, h := range o.Handshakes {
		if h.Refused != "" {
			all = append(all, event{fmt.Sprintf("it refused the certificate of %s: %s", h.Server, h.Refused), []string{"ca-roots-missing", "ca-roots-unreadable", "ca-roots-expired"}, true})
			break
		}
	}
	if h := o.Health; h != nil && h.ExitCode != 0 {
		all = append(all, event{fmt.Sprintf("its health check ends with exit code %d: %s", h.ExitCode, h.Words), append(rulesFor(h.Words), "healthcheck-cannot-run", "shell-missing"), h.ExitCode >= cannotRun})
	}
	if o.Stop != nil && o.Stop.Lost {
		all = append(all, event{fmt.Sprintf("%s did not end it within %.0f s", o.Stop.Signal, o.Stop.Seconds), atStop, true})
	}
	return all
}

// lost reports whether a program that its stop signal ended left a request without an answer. It is no trouble for what is
// compared with this run: until then the program went well.
func lost(o *audit.Observation) bool {
	return o.Stop != nil && !o.Stop.Lost && o.Stop.Request == "lost"
}

// trouble is the worst of what went wrong, "" if nothing did.
func trouble(o *audit.Observation) string {
	if all := events(o, func(string) []string { return nil }); len(all) > 0 {
		return all[0].words
	}
	return ""
}

// foretells is a prediction by the first of the rules that has one, nil if there is none.
func foretells(s *audit.Step, rules []string) *audit.Prediction {
	for _, rule := range rules {
		for i := range s.Predictions {
			if s.Predictions[i].Rule == rule {
				return &s.Predictions[i]
			}
		}
	}
	return nil
}

// halted reports whether something that was foretold kept the program from starting: whether others would have done so,
// too, cannot be seen then.
func halted(s *audit.Step) bool {
	return s.Observed.Refused != "" || slices.ContainsFunc(s.Predictions, func(p audit.Prediction) bool {
		return p.Seen && slices.Contains(atStart, p.Rule)
	})
}

// judge compares what was foretold with what happened, marks the predictions that were seen, and says why.
// rulesFor gives the rules that know a message; first is the run as it was built, which went well, and nil for that run itself.
func judge(s *audit.Step, rulesFor func(message string) []string, first *audit.Step) {
	o := &s.Observed
	foretold, surprise := "", (*event)(nil)
	all := events(o, rulesFor)
	if lost(o) && (first == nil || !lost(&first.Observed) || first.Observed.Stop.Signal != o.Stop.Signal) { // else it is no news
		words := fmt.Sprintf("the request under way was lost when %s ended it in %.1f s", o.Stop.Signal, o.Stop.Seconds)
		all = append(all, event{words, atStop, true})
	}
	for _, e := range all {
		p := foretells(s, e.rules)
		if p == nil && first != nil && bad(o) {
			p = fresh(s, first) // all that is different from the run as built is this condition
		}
		if p != nil {
			p.Seen = true
			if foretold == "" {
				foretold = fmt.Sprintf("foretold by %s: %s", p.Rule, e.words)
			}
		} else if surprise == nil {
			surprise = &e
		}
	}
	abrupt := o.ExitCode != nil && *o.ExitCode == 2 || o.Signal != "" || o.Stop != nil && o.Stop.Request == "lost"
	never := halted(s)
	for i := range s.Predictions {
		switch p := &s.Predictions[i]; {
		case p.Seen || p.Severity != audit.Error && p.Rule != "stop-signal-unhandled":
		case p.Rule == "stop-signal-unhandled" && o.Stop != nil && abrupt:
			p.Seen = true
			if foretold == "" {
				foretold = "foretold by stop-signal-unhandled: " + beside(o, first)
			}
		case slices.Contains(atStart, p.Rule) && !never && !strings.Contains(p.Message, "HEALTHCHECK"):
			set(s, audit.OutcomeDiffers, "%s was foretold, and the program started", p.Rule)
			return
		case p.Rule == "stop-signal-lost" && o.Stop != nil:
			set(s, audit.OutcomeDiffers, "stop-signal-lost was foretold, and %s ended it in %.1f s", o.Stop.Signal, o.Stop.Seconds)
			return
		}
	}
	switch {
	case surprise != nil && !surprise.known && first == nil:
		set(s, audit.OutcomeUnproven, "it does not run by itself: %s", surprise.words)
	case surprise != nil:
		set(s, audit.OutcomeDiffers, "not foretold: %s", surprise.words)
	case foretold != "":
		set(s, audit.OutcomeHolds, "%s", foretold)
	case fresh(s, first) != nil:
		set(s, audit.OutcomeHolds, "%s foretold, and not reached: %s", fresh(s, first).Rule, beside(o, first))
	default:
		set(s, audit.OutcomeHolds, "%s", beside(o, first))
	}
}

// fresh is the first prediction that this condition has brought, nil if it has brought none.
func fresh(s, first *audit.Step) *audit.Prediction {
	for i := range s.Predictions {
		if p := &s.Predictions[i]; first == nil || foretells(first, []string{p.Rule}) == nil {
			return p
		}
	}
	return nil
}

func set(s *audit.Step, o audit.Outcome, format string, args ...any) {
	s.Outcome, s.Because = o, fmt.Sprintf(format, args...)
}

// bad reports whether a program ended by itself in a way that says that something is wrong.
func bad(o *audit.Observation) bool {
	return o.Ended && (o.Signal != "" || o.ExitCode != nil && *o.ExitCode != 0)
}

// beside is the summary of a run, or that it is the same as that of the run as built.
func beside(o *audit.Observation, first *audit.Step) string {
	if first == nil || outline(o) != outline(&first.Observed) {
		return summary(o)
	}
	if o.GOMAXPROCS > 0 {
		return fmt.Sprintf("it goes as it was built, with GOMAXPROCS %d", o.GOMAXPROCS)
	}
	return "it goes as it was built"
}

// outline is what of an observation does not change from run to run.
func outline(o *audit.Observation) string {
	code, stop := -1, audit.Stopped{}
	if o.ExitCode != nil {
		code = *o.ExitCode
	}
	if o.Stop != nil {
		stop = *o.Stop
		stop.Seconds = 0
	}
	return fmt.Sprint(o.Refused, o.Ended, code, o.Signal, o.OOMKilled, o.Listens, o.Status, verified(o), stop)
}

// verified are the servers whose certificates a program took for good, sorted.
func verified(o *audit.Observation) []string {
	names := map[string]bool{}
	for _, h := range o.Handshakes {
		if h.Refused == "" && h.Server != "" {
			names[h.Server] = true
		}
	}
	return sorted(names)
}

// summary says in a few words what a program did that did nothing wrong.
func summary(o *audit.Observation) string {
	var words []string
	switch {
	case o.Ended && o.ExitCode != nil:
		words = append(words, fmt.Sprintf("exit code %d after %.1f s", *o.ExitCode, o.Seconds))
	case o.Status != 0:
		words = append(words, fmt.Sprintf("listens at %s after %.1f s, answers %d", strings.Join(o.Listens, ", "), o.Ready, o.Status))
	case len(o.Listens) > 0:
		words = append(words, fmt.Sprintf("listens at %s after %.1f s", strings.Join(o.Listens, ", "), o.Ready))
	default:
		words = append(words, "runs and does not listen")
	}
	for _, server := range verified(o) {
		words = append(words, "verified "+server)
	}
	if o.GOMAXPROCS > 0 {
		words = append(words, fmt.Sprintf("GOMAXPROCS %d", o.GOMAXPROCS))
	}
	if o.Health != nil && o.Health.ExitCode == 0 {
		words = append(words, "healthy")
	}
	if o.Stop != nil && !o.Stop.Lost {
		end := fmt.Sprintf("%s ends it in %.1f s", o.Stop.Signal, o.Stop.Seconds)
		if o.ExitCode != nil {
			end += fmt.Sprintf(" with exit code %d", *o.ExitCode)
		}
		words = append(words, end)
		if o.Stop.Request != "" {
			words = append(words, "the request under way was "+o.Stop.Request)
		}
	}
	return strings.Join(words, "; ")
}
