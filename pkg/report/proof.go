package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// proof prints a proof: the outcome, what was built and run, and one line for each condition, what differs first.
func (t *text) proof() {
	p := t.report.Proof
	t.line("%s  %s", t.proofOutcome(p.Outcome), t.bold(printable(subjectName(t.report.Subjects[0]))))
	t.line("      %s", printable(withWhat(p)))
	if p.Image != "" {
		t.line("      image %s", printable(p.Image))
	}
	if rule := failsAsForetold(p); rule != "" {
		t.line("      %s", t.yellow("what was foretold is a fault, "+rule+": imgaudit check says which line is to blame"))
	}
	t.line("")
	if p.Build != nil {
		t.built(p.Build)
	}
	steps := slices.Clone(p.Steps)
	slices.SortStableFunc(steps, func(a, b audit.Step) int { return cmp.Compare(rank(a.Outcome), rank(b.Outcome)) })
	for i := range steps {
		t.step(&steps[i])
	}
	t.notRun(p.Skipped)
	if p.Reproducible != nil {
		t.reproducible(p.Reproducible)
	}
	if slices.ContainsFunc(p.Steps, losesRequests) {
		t.line("")
		t.line("do: have main wait for http.Server.Shutdown to return: ListenAndServe returns as soon as Shutdown is called")
	}
	if p.Outcome == audit.OutcomeUnproven {
		t.line("")
		t.line("%s", notStarted(p))
	}
}

// losesRequests reports whether a program loses the request under way when it is stopped, and nothing had foretold that.
func losesRequests(s audit.Step) bool {
	return s.Outcome == audit.OutcomeDiffers && s.Observed.Stop != nil && s.Observed.Stop.Request == "lost"
}

// withWhat says what was built and run, with what, and in which time.
func withWhat(p *audit.Proof) string {
	if p.Reproducible != nil {
		return fmt.Sprintf("built twice with %s, not run; %.1f s", p.Engines[0], p.Seconds)
	}
	run := ", not run"
	if len(p.Steps) > 0 {
		run = ", run under " + plural(len(p.Steps), "condition")
		if last := p.Engines[len(p.Engines)-1]; len(p.Engines) > 1 || p.Build == nil {
			run += " with " + last
		}
	}
	if p.Build == nil {
		run = strings.TrimPrefix(run, ", ")
	} else {
		run = "built with " + p.Engines[0] + run
	}
	return fmt.Sprintf("%s; %.1f s", run, p.Seconds)
}

// failsAsForetold is the rule whose error came true in the image as it was built, or in its build; "" if none did.
func failsAsForetold(p *audit.Proof) string {
	var all []audit.Prediction
	if p.Build != nil {
		all = append(all, p.Build.Predictions...)
	}
	if len(p.Steps) > 0 {
		all = append(all, p.Steps[0].Predictions...)
	}
	for _, x := range all {
		if x.Seen {
			return x.Rule
		}
	}
	return ""
}

// rank orders the outcomes, the one that matters most first.
func rank(o audit.Outcome) int {
	return slices.Index([]audit.Outcome{audit.OutcomeDiffers, audit.OutcomeUnproven, audit.OutcomeHolds}, o)
}

func (t *text) proofOutcome(o audit.Outcome) string {
	return t.outcomeColor(o, strings.ToUpper(string(o)))
}

func (t *text) outcomeColor(o audit.Outcome, s string) string {
	switch o {
	case audit.OutcomeHolds:
		return t.green(s)
	case audit.OutcomeDiffers:
		return t.red(s)
	}
	return t.yellow(s)
}

// outcomeWidth is the width of every outcome; names are padded to the widest of the proof, at most maxName.
const outcomeWidth, maxName = 11, 36

func (t *text) proofLine(o audit.Outcome, name, because string) {
	width := len("build")
	for _, s := range t.report.Proof.Steps {
		width = max(width, min(len(s.Name), maxName))
	}
	shown := fmt.Sprintf("%-*s", outcomeWidth, o)
	t.line("%s  %s  %s", t.outcomeColor(o, shown), t.bold(fmt.Sprintf("%-*s", width, name)), printable(oneLine(because)))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (t *text) built(b *audit.Built) {
	t.proofLine(b.Outcome, "build", b.Because)
	if b.Outcome != audit.OutcomeHolds || t.opt.Verbose {
		t.predictions(b.Predictions)
	}
	if b.Failed == "" || b.Outcome == audit.OutcomeHolds && !t.opt.Verbose {
		return
	}
	const last = 12
	for _, l := range b.Output[max(0, len(b.Output)-last):] {
		t.line("    %s", t.dim(printable(oneLine(l))))
	}
}

func (t *text) step(s *audit.Step) {
	t.proofLine(s.Outcome, s.Name, s.Because)
	if s.Outcome == audit.OutcomeHolds && !t.opt.Verbose {
		return
	}
	t.predictions(s.Predictions)
	for i, seen := range observed(&s.Observed) {
		t.line("    %s %s", [2]string{"seen:", "     "}[min(i, 1)], printable(oneLine(seen)))
	}
	if s.Command != nil {
		t.line("    again: %s", printable(commandLine(s.Command)))
	}
}

// commandLine is a command as it is typed to a POSIX shell.
func commandLine(argv []string) string {
	var words []string
	for _, a := range argv {
		if plainWord.MatchString(a) {
			words = append(words, a)
			continue
		}
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

// plainWord is a word that the shell takes as it is.
var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// predictions prints what was foretold, with what came true.
func (t *text) predictions(all []audit.Prediction) {
	if len(all) == 0 {
		t.line("    foretold: nothing")
	}
	for _, p := range all {
		title := string(p.Severity)
		if p.Certainty != audit.Proven {
			title += " (" + string(p.Certainty) + ")"
		}
		came := ""
		if p.Seen {
			came = t.green(" (seen)")
		}
		t.line("    foretold: %s %s: %s%s", title, t.bold(p.Rule), printable(oneLine(p.Message)), came)
	}
}

// shownWrites is how many of the files that a program wrote are named.
const shownWrites = 8

// observed is what was seen of a run, one thing a line.
func observed(o *audit.Observation) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch {
	case o.Refused != "":
		add("not started: %s", o.Refused)
	case o.Signal != "":
		add("ended by the signal %q after %.1f s", o.Signal, o.Seconds)
	case o.ExitCode != nil:
		add("exit code %d after %.1f s", *o.ExitCode, o.Seconds)
	}
	if o.OOMKilled {
		add("the memory limit ended it")
	}
	if len(o.Listens) > 0 {
		add("listens at %s after %.1f s", strings.Join(o.Listens, ", "), o.Ready)
	}
	if o.Status > 0 {
		add("answers %d", o.Status)
	}
	for _, h := range o.Handshakes {
		switch {
		case h.Refused != "":
			add("refuses the certificate of %s: %s", h.Server, h.Refused)
		default:
			add("speaks TLS with %s", h.Server)
		}
	}
	if o.Health != nil {
		add("health check %q: exit code %d %s", o.Health.Command, o.Health.ExitCode, o.Health.Words)
	}
	if s := o.Stop; s != nil && s.Lost {
		add("%s does not end it within %.1f s", s.Signal, s.Seconds)
	} else if s != nil {
		add("%s ends it in %.1f s", s.Signal, s.Seconds)
	}
	if o.Stop != nil && o.Stop.Request != "" {
		add("the request under way is %s", o.Stop.Request)
	}
	if o.Memory > 0 {
		add("memory at most %.1f MB", float64(o.Memory)/1e6)
	}
	for i, file := range o.Writes {
		if i == shownWrites {
			add("writes %d files more", len(o.Writes)-shownWrites)
			break
		}
		add("writes %s", file)
	}
	if o.FirstLine != "" {
		add("says: %s", o.FirstLine)
	}
	return all
}

// notRun prints the conditions that were not run, those with one reason together.
func (t *text) notRun(skipped []audit.SkippedStep) {
	var reasons []string
	of := map[string][]string{}
	for _, s := range skipped {
		if of[s.Because] == nil {
			reasons = append(reasons, s.Because)
		}
		of[s.Because] = append(of[s.Because], s.Name)
	}
	for _, because := range reasons {
		t.line("%s  %s: %s", t.dim(fmt.Sprintf("%-*s", outcomeWidth, "not run")), strings.Join(of[because], "; "), because)
	}
}

// notStarted says what to do about a program that could not be brought to where the prediction could be seen.
func notStarted(p *audit.Proof) string {
	if p.Build != nil && p.Build.Outcome == audit.OutcomeUnproven {
		return "do: have the build reach what it needs (a mirror, a login, --secret, --build-context), and prove again"
	}
	return `do: say what the program needs, in .imgaudit.yaml or in flags, and prove again:
      prove:
        args: [serve, --port, "8080"]   # in place of the image's CMD
        env: {DATABASE_URL: none}
        path: /healthz                  # of a request that it answers
        ready: 10s                      # until it listens`
}
