package report

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// reproducible prints what two builds gave.
func (t *text) reproducible(r *audit.Reproducible) {
	t.line("      varied: %s; SOURCE_DATE_EPOCH=%s", strings.Join(r.Varied, ", "), printable(r.Epoch))
	switch {
	case r.Failed != "":
		t.line("not built twice: %s", printable(oneLine(r.Failed)))
	case r.Same:
		t.line("both builds give the same image")
	default:
		t.line("the second build gives %s", printable(r.Digests[1]))
	}
	for i := range r.Differs {
		t.difference(&r.Differs[i])
	}
	if r.More > 0 {
		t.line("and %s more", plural(r.More, "difference"))
	}
	for _, n := range r.Unread {
		t.line("%s %s: %s", t.yellow("not compared:"), printable(n.What), printable(oneLine(n.Because)))
	}
}

func (t *text) difference(d *audit.Difference) {
	where := d.Path
	if where == "" && d.Layer != nil {
		where = fmt.Sprintf("layer %d", d.Layer.Index)
	}
	at := ""
	if d.Location != nil {
		at = fmt.Sprintf("  %s:%d", d.Location.File, d.Location.Line)
	}
	t.line("")
	t.line("%s  %s: %s%s", t.red(string(d.Cause)), t.bold(printable(where)), d.What, t.dim(printable(at)))
	if d.First != "" || d.Second != "" {
		t.line("    first:  %s", printable(d.First))
		t.line("    second: %s", printable(d.Second))
	}
	if len(d.Sections) > 0 {
		t.line("    sections: %s", printable(strings.Join(d.Sections, " ")))
	}
	if d.Because != "" {
		t.line("    %s", printable(oneLine(d.Because)))
	}
	if d.Location == nil && d.Blame.Because != "" {
		t.line("    no line is blamed: %s", printable(oneLine(d.Blame.Because)))
	}
	if d.Remedy != "" {
		t.line("    do: %s", d.Remedy)
	}
}
