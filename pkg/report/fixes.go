package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/repair"
)

// Fixes is what was done to one Dockerfile.
type Fixes struct {
	Dockerfile string
	Correction *repair.Correction // nil when the Dockerfile could not be read
	Written    bool               // the corrected files are written, and not only shown
	Proving    bool               // a build is going to prove what no text can
	Unread     []audit.Unread
	// Unpredicted is why the image that the file makes could not be foretold, "" if it was or need not be.
	Unpredicted string
}

// Text writes the fixes for people: what was fixed by what, what is left and why, one finding after the other by line.
func (f Fixes) Text(w io.Writer, opt TextOptions) error {
	t := &text{paint: paint(opt.Color), opt: opt}
	for _, u := range f.Unread {
		t.line("%s %s: %s", t.red("not looked at:"), printable(u.What), printable(u.Because))
	}
	if f.Unpredicted != "" {
		t.line("%s what the image needs, which is %s", t.yellow("not corrected:"), printable(f.Unpredicted))
	}
	if f.Correction != nil {
		t.correction(printable(f.Dockerfile), f.Correction, f.Written, !f.Proving)
	}
	if _, err := w.Write(t.out.Bytes()); err != nil {
		return fmt.Errorf("writing the fixes: %w", err)
	}
	return nil
}

// toProve ends what was done about a finding that no text can show to be gone.
const toProve = "; a build has to prove it"

func (t *text) correction(name string, c *repair.Correction, written, unproven bool) {
	fixed, word := len(c.Applied)+len(c.Gone), "fix"
	if written {
		word = "fixed"
	}
	switch {
	case fixed+len(c.Left) == 0:
		t.line("%s: no findings, nothing to fix", t.bold(name))
	case fixed == 0:
		t.line("%s: nothing to fix, %s left", t.bold(name), plural(len(c.Left), "finding"))
	case written:
		t.line("%s: %s fixed, %d left", t.bold(name), plural(fixed, "finding"), len(c.Left))
	default:
		t.line("%s: the diff fixes %s, %d left", t.bold(name), plural(fixed, "finding"), len(c.Left))
	}
	for _, a := range c.Applied {
		t.line("  %s %s", t.green(word), t.named(&a.Finding))
		how := a.Fix.Title
		if a.Consequence {
			how += ", which another fix calls for"
		}
		if a.Fix.Safety != audit.Safe {
			how += " (unsafe)"
		}
		if a.ToProve && unproven {
			how += toProve
		}
		t.line("        %s", printable(how))
	}
	for _, g := range c.Gone {
		t.line("  %s %s", t.green(word), t.named(&g.Finding))
		t.line("        Gone with the fixes of others%s", map[bool]string{true: toProve}[g.ToProve && unproven])
	}
	if unproven && slices.ContainsFunc(c.Applied, func(a repair.Applied) bool { return a.ToProve }) {
		t.line("  %s", t.dim("what a build has to prove was seen in an image or a binary, which are older than the corrected text"))
	}
	for _, l := range c.Left {
		t.line("  %s %s", t.yellow("left"), t.named(&l.Finding))
		t.line("        %s", printable(whyLeft(&l)))
	}
}

// named is a finding in one line.
func (t *text) named(f *audit.Finding) string {
	where := ""
	if f.Location != nil {
		where = fmt.Sprintf("line %d ", f.Location.Line)
	}
	return where + t.bold(f.Rule) + ": " + printable(f.Message)
}

// whyLeft says why a finding is left, and what can be done.
func whyLeft(l *repair.Left) string {
	fix := l.Finding.Fix
	switch {
	case fix == nil || len(fix.Edits) == 0:
		return strings.ToUpper(l.Because[:1]) + l.Because[1:] + ": " + l.Finding.Remedy
	case l.Unsafe:
		return fix.Title + ": " + l.Because + "; --unsafe applies it"
	}
	return fix.Title + ": " + l.Because
}
