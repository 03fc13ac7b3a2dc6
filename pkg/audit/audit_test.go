package audit_test

import (
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// TestRunSkips holds which rules are skipped for want of what: a rule never guesses from a missing part.
func TestRunSkips(t *testing.T) {
	rule := func(sees audit.Sees) *audit.Rule {
		return &audit.Rule{ID: "r", Sees: sees, Severity: audit.Error, Check: func(p *audit.Pass) { p.Report(audit.Finding{Message: "fires"}) }}
	}
	goProgram := &audit.Program{Binary: &binary.Binary{Path: "/app", Go: &binary.GoInfo{}}}
	packed := &audit.Program{Binary: &binary.Binary{Path: "/app", Go: &binary.GoInfo{}, Opaque: "packed"}}
	other := &audit.Program{Binary: &binary.Binary{Path: "/nginx"}}
	compiler := &audit.Program{Binary: &binary.Binary{Path: "/usr/local/go/bin/go", Go: &binary.GoInfo{}}, Toolchain: true}
	config := &layers.Image{} // its layers could not be read
	for _, test := range []struct {
		name    string
		subject audit.Subject
		sees    audit.Sees
		want    string // "" runs
	}{
		{"nothing there", audit.Subject{}, audit.Sees{All: audit.GoBinary | audit.Image}, "no Go binary and no image"},
		{"a Go program", audit.Subject{Programs: []*audit.Program{goProgram}}, audit.Sees{All: audit.GoBinary}, ""},
		{"a packed one is none", audit.Subject{Programs: []*audit.Program{packed}}, audit.Sees{All: audit.GoBinary}, "no Go binary"},
		{"but an executable", audit.Subject{Programs: []*audit.Program{packed}}, audit.Sees{All: audit.Executable}, ""},
		{"another's program", audit.Subject{Programs: []*audit.Program{other}}, audit.Sees{All: audit.GoBinary | audit.Executable}, "no Go binary"},
		{"the toolchain is no service", audit.Subject{Programs: []*audit.Program{compiler}}, audit.Sees{All: audit.Executable}, "no executable"},
		{"a config alone", audit.Subject{Image: config}, audit.Sees{All: audit.ImageConfig}, ""},
		{"is no image", audit.Subject{Image: config}, audit.Sees{All: audit.Image}, "no image"},
		{"one of two is enough", audit.Subject{Image: config}, audit.Sees{Any: audit.Dockerfile | audit.ImageConfig}, ""},
		{"none of two", audit.Subject{}, audit.Sees{Any: audit.Dockerfile | audit.ImageConfig}, "neither Dockerfile nor image config"},
	} {
		test.subject.Prepare()
		res := audit.Run(&test.subject, []*audit.Rule{rule(test.sees)})
		got := ""
		if len(res.Skipped) > 0 {
			got = res.Skipped[0].Because
		}
		if got != test.want || (got == "") != (len(res.Findings) == 1) {
			t.Errorf("%s: skipped %q with %d findings, want %q", test.name, got, len(res.Findings), test.want)
		}
	}
}

// TestReportCaps holds that a finding is never worse than its certainty allows.
func TestReportCaps(t *testing.T) {
	for _, test := range []struct {
		rule, given audit.Severity
		certainty   audit.Certainty
		want        audit.Severity
	}{
		{audit.Error, "", "", audit.Error},
		{audit.Error, "", audit.Proven, audit.Error},
		{audit.Error, "", audit.Likely, audit.Warning},
		{audit.Error, "", audit.Possible, audit.Note},
		{audit.Warning, "", audit.Likely, audit.Warning},
		{audit.Warning, audit.Error, audit.Proven, audit.Error},
		{audit.Error, audit.Note, audit.Likely, audit.Note},
	} {
		r := &audit.Rule{ID: "r", Severity: test.rule, Check: func(p *audit.Pass) {
			p.Report(audit.Finding{Severity: test.given, Certainty: test.certainty})
		}}
		f := audit.Run(&audit.Subject{}, []*audit.Rule{r}).Findings[0]
		if f.Severity != test.want || f.Certainty == "" || f.Rule != "r" || f.Blame.Kind != audit.BlameUnknown {
			t.Errorf("%+v: %+v", test, f)
		}
	}
}

// TestRunOrder holds that findings come by line, then rule, then message, those without a line last.
func TestRunOrder(t *testing.T) {
	report := func(id string, line int, message string) *audit.Rule {
		return &audit.Rule{ID: id, Check: func(p *audit.Pass) {
			f := audit.Finding{Message: message}
			if line > 0 {
				f.Location = &audit.Location{Line: line}
			}
			p.Report(f)
		}}
	}
	res := audit.Run(&audit.Subject{}, []*audit.Rule{report("z", 0, "1"), report("b", 7, "2"), report("a", 7, "4"), report("a", 7, "3"), report("c", 2, "5")})
	var got []string
	for _, f := range res.Findings {
		got = append(got, f.Message)
	}
	if s := strings.Join(got, ""); s != "53421" {
		t.Errorf("order %s", s)
	}
}
