package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/policy"
)

// TextOptions of Text.
type TextOptions struct {
	Color   bool
	Verbose bool // every skipped rule and every need
}

// Text writes the report for people: the verdict first, then each finding with its lines, its evidence and what to do.
func (r *Report) Text(w io.Writer, opt TextOptions) error {
	t := &text{report: r, paint: paint(opt.Color), opt: opt, of: make([][]*audit.Finding, len(r.Subjects))}
	for i := range r.Findings {
		f := &r.Findings[i]
		t.of[f.Subject] = append(t.of[f.Subject], f)
	}
	if r.Proof != nil {
		t.proof()
		return t.writeTo(w)
	}
	if len(r.Subjects) > 1 {
		t.many()
	} else {
		t.verdict()
		t.findings(0)
	}
	t.unread()
	t.needs()
	t.skipped()
	if r.Verdict.Counts.Total() > 0 {
		t.line("%s", t.dim("more on a rule: imgaudit explain RULE"))
		if len(r.Subjects) > 1 { // the first line has scrolled away
			t.line("%s  %s: %s", t.outcome(), t.bold(subjects(r.Subjects)), summary(r.Verdict.Counts, r.Verdict.FailOn))
		}
	}
	return t.writeTo(w)
}

func (t *text) writeTo(w io.Writer) error {
	if _, err := w.Write(t.out.Bytes()); err != nil {
		return fmt.Errorf("writing the text report: %w", err)
	}
	return nil
}

type text struct {
	paint
	report *Report
	opt    TextOptions
	of     [][]*audit.Finding // of each subject
	split  split
	out    bytes.Buffer
}

func (t *text) line(format string, args ...any) {
	start := t.out.Len()
	fmt.Fprintf(&t.out, format, args...)
	t.out.Truncate(start + len(bytes.TrimRight(t.out.Bytes()[start:], " ")))
	t.out.WriteByte('\n')
}

// outcome is the verdict in one word.
func (t *text) outcome() string {
	switch t.report.Verdict.Outcome {
	case policy.Pass:
		return t.green("PASS")
	case policy.Fail:
		return t.red("FAIL")
	}
	return t.red("COULD NOT AUDIT")
}

// verdict says pass or fail, by what, and what was looked at.
func (t *text) verdict() {
	for _, s := range t.report.Subjects {
		t.line("%s  %s", t.outcome(), t.bold(printable(subjectName(s))))
		t.line("      looked at: %s", printable(lookedAt(s)))
	}
	t.line("      %s", summary(t.report.Verdict.Counts, t.report.Verdict.FailOn))
}

// findings prints those of a subject, the worst first; in each severity, the order of the lines.
func (t *text) findings(subject int) {
	for _, severity := range audit.Severities {
		for _, f := range t.of[subject] {
			if f.Severity == severity && (f.Waived == nil && f.SameAs == "" || t.opt.Verbose) {
				t.finding(f)
			}
		}
	}
}

func subjectName(s Subject) string {
	switch {
	case s.Image != nil:
		return s.Image.Ref
	case s.Dockerfile != "":
		return s.Dockerfile
	case len(s.Binaries) > 0:
		return s.Binaries[0].Path
	}
	return s.Context
}

// lookedAt lists the parts of a subject in one line.
func lookedAt(s Subject) string {
	var parts []string
	switch {
	case s.Image != nil && s.Image.Predicted:
		parts = append(parts, fmt.Sprintf("the predicted image %s (%s)", s.Image.Platform, plural(s.Image.Layers, "layer")))
	case s.Image != nil:
		parts = append(parts, fmt.Sprintf("image %s (%s)", s.Image.Platform, plural(s.Image.Layers, "layer")))
	}
	shown := 0
	for _, b := range s.Binaries {
		if b.Toolchain || shown == 2 {
			continue
		}
		shown++
		what := b.Path
		if b.Go != "" {
			what += " (" + b.Go + ")"
		} else {
			what += " (not built by Go)"
		}
		parts = append(parts, what)
	}
	if s.Image != nil && !slices.ContainsFunc(s.Binaries, func(b Binary) bool { return b.Go != "" && !b.Toolchain }) {
		parts = append(parts, "no Go executable")
	}
	if more := len(s.Binaries) - shown; more > 0 {
		parts = append(parts, fmt.Sprintf("and %s", plural(more, "other executable")))
	}
	switch {
	case s.Carried:
		parts = append(parts, s.Dockerfile+" (from the image's provenance)")
	case s.Dockerfile != "":
		parts = append(parts, s.Dockerfile)
	}
	if s.Context != "" {
		parts = append(parts, "build context "+s.Context)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func summary(c policy.Counts, failOn policy.FailOn) string {
	waived := ""
	if c.Waived > 0 {
		waived = fmt.Sprintf(", %d waived", c.Waived)
	}
	if c.Total() == 0 {
		return "no findings" + waived
	}
	return fmt.Sprintf("%s, %s, %s%s; fails on %s", plural(c.Error, "error"), plural(c.Warning, "warning"), plural(c.Note, "note"), waived, failOn)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (t *text) severity(s audit.Severity) string {
	switch s {
	case audit.Error:
		return t.red(string(s))
	case audit.Warning:
		return t.yellow(string(s))
	}
	return t.dim(string(s))
}

// finding prints one finding: what, where, why, what to do.
func (t *text) finding(f *audit.Finding) {
	t.line("")
	title := string(f.Severity)
	if f.Certainty != audit.Proven {
		title += " (" + string(f.Certainty) + ")"
	}
	if f.Waived != nil {
		title += " (waived)"
	}
	if f.SameAs != "" {
		title += " (" + f.SameAs + " says it)"
	}
	t.line("%s %s: %s", strings.Replace(title, string(f.Severity), t.severity(f.Severity), 1), t.bold(f.Rule), printable(f.Message))
	t.excerpt(f)
	for _, e := range f.Evidence {
		t.evidence(e, f.Location)
	}
	if f.Words != "" {
		for i, l := range strings.Split(printable(f.Words), "\n") {
			t.line("    %s %s", [2]string{"at run time:", "            "}[min(i, 1)], l)
		}
	}
	if f.Waived != nil {
		t.line("    %s %s", t.dim("waived:"), printable(waivedText(f.Waived)))
		return
	}
	if f.Remedy != "" {
		t.line("    %s %s", t.green("do:"), printable(f.Remedy))
	}
}

// waivedText says where a waiver is, and what it says.
func waivedText(w *audit.Waived) string {
	s := fmt.Sprintf("%s:%d", w.Location.File, w.Location.Line)
	if w.Style != "imgaudit" {
		s += fmt.Sprintf(" (%s %s)", w.Style, w.Names)
	}
	if w.Until != "" {
		s += ", until " + w.Until
	}
	if w.Reason == "" {
		return s + ", without a reason"
	}
	return s + ": " + w.Reason
}

func (t *text) evidence(e audit.Evidence, blamed *audit.Location) {
	where := ""
	if e.Location != nil && (blamed == nil || *e.Location != *blamed) {
		where = fmt.Sprintf(" (%s:%d)", e.Location.File, e.Location.Line)
	}
	t.line("    - %s%s", printable(e.Text), t.dim(printable(where)))
	if len(e.Calls) > 1 {
		t.line("      %s", t.dim(printable(callChain(e.Calls))))
	}
}

// callChain shows the way from main to a call; a long way is cut in the middle.
func callChain(calls []string) string {
	const most = 6
	if len(calls) > most {
		calls = append(append(append([]string{}, calls[:3]...), "..."), calls[len(calls)-2:]...)
	}
	return strings.Join(calls, " -> ")
}

// unread says what could not be looked at.
func (t *text) unread() {
	if len(t.report.Unread) == 0 {
		return
	}
	t.line("")
	for _, u := range t.report.Unread {
		t.line("%s %s: %s", t.red("not looked at:"), printable(u.What), printable(u.Because))
	}
}

// needs sums up what the programs need and whether the image has it; in full when verbose.
func (t *text) needs() {
	met, unmet, unknown := 0, 0, 0
	for _, n := range t.report.Needs {
		switch {
		case n.Met == nil:
			unknown++
		case *n.Met:
			met++
		default:
			unmet++
		}
	}
	if len(t.report.Needs) == 0 {
		return
	}
	t.line("")
	t.line("needs: %d met, %d unmet, %d not judged", met, unmet, unknown)
	if !t.opt.Verbose {
		return
	}
	for _, n := range t.report.Needs {
		t.line("  %s", printable(needLine(n)))
	}
}

func needLine(n audit.Need) string {
	s := fmt.Sprintf("%s needs %s", n.Binary, n.Topic)
	if len(n.Names) > 0 {
		s += " " + strings.Join(n.Names, ", ")
	}
	s += " (" + string(n.Certainty) + "): "
	switch {
	case n.Met == nil:
		return s + "not judged"
	case *n.Met && n.By != "":
		return s + "met by " + n.By
	case *n.Met:
		return s + "met"
	}
	return s + "NOT met; searched " + strings.Join(n.Searched, ", ")
}

// skipped says which rules could not judge, by reason; nothing if there was nothing to judge.
func (t *text) skipped() {
	if len(t.report.Skipped) == 0 || !t.report.anything() {
		return
	}
	var reasons []string
	rules, listed := map[string][]string{}, map[[2]string]bool{}
	for _, s := range t.report.Skipped {
		if t.report.Subjects[s.Subject].Refused { // which is said, and why
			continue
		}
		if listed[[2]string{s.Because, s.Rule}] { // several subjects skip the same rule
			continue
		}
		listed[[2]string{s.Because, s.Rule}] = true
		if rules[s.Because] == nil {
			reasons = append(reasons, s.Because)
		}
		rules[s.Because] = append(rules[s.Because], s.Rule)
	}
	if len(reasons) == 0 {
		return
	}
	if len(t.report.Needs) == 0 {
		t.line("")
	}
	if t.opt.Verbose {
		for _, because := range reasons {
			t.line("skipped, %s: %s", because, strings.Join(rules[because], ", "))
		}
		return
	}
	var absent []string // each part once
	count := map[string]bool{}
	for _, because := range reasons {
		parts := []string{because}
		if strings.HasPrefix(because, "no ") { // of several parts
			parts = strings.Split(because, " and ")
		}
		for _, part := range parts {
			if !slices.Contains(absent, part) {
				absent = append(absent, part)
			}
		}
		for _, rule := range rules[because] {
			count[rule] = true
		}
	}
	t.line("skipped: %s for want of a part: %s (-v names them)", plural(len(count), "rule"), strings.Join(absent, ", "))
}

// anything reports whether any part of any subject was there to be looked at.
func (r *Report) anything() bool {
	for _, s := range r.Subjects {
		if s.Image != nil || s.Dockerfile != "" || len(s.Binaries) > 0 {
			return true
		}
	}
	return false
}
