package policy_test

import (
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/policy"
)

func TestDecide(t *testing.T) {
	is := func(severities ...audit.Severity) []audit.Finding {
		var f []audit.Finding
		for _, s := range severities {
			f = append(f, audit.Finding{Severity: s})
		}
		return f
	}
	for _, test := range []struct {
		name     string
		findings []audit.Finding
		unread   int
		failOn   policy.FailOn
		want     policy.Outcome
	}{
		{"nothing", nil, 0, policy.FailOnError, policy.Pass},
		{"a warning below the threshold", is(audit.Warning), 0, policy.FailOnError, policy.Pass},
		{"a warning at the threshold", is(audit.Warning), 0, policy.FailOnWarning, policy.Fail},
		{"an error above the threshold", is(audit.Note, audit.Error), 0, policy.FailOnNote, policy.Fail},
		{"never fails", is(audit.Error), 0, policy.FailNever, policy.Pass},
		{"unread is never a pass", nil, 1, policy.FailOnError, policy.Inconclusive},
		{"not even when nothing may fail", is(audit.Error), 1, policy.FailNever, policy.Inconclusive},
		{"what fails, fails with something unread too", is(audit.Error), 1, policy.FailOnError, policy.Fail},
	} {
		v := policy.Decide(test.findings, test.unread, test.failOn)
		if v.Outcome != test.want || v.Pass != (test.want == policy.Pass) {
			t.Errorf("%s: %+v, want %s", test.name, v, test.want)
		}
	}
	if v := policy.Decide(is(audit.Error, audit.Note, audit.Note), 0, policy.FailOnError); v.Counts != (policy.Counts{Error: 1, Note: 2}) {
		t.Errorf("counts %+v", v.Counts)
	}
}

func TestParseFailOn(t *testing.T) {
	for _, s := range []string{"error", "warning", "note", "never"} {
		if f, err := policy.ParseFailOn(s); err != nil || string(f) != s {
			t.Errorf("%s: %q, %v", s, f, err)
		}
	}
	for _, s := range []string{"", "Error", "fatal"} {
		if f, err := policy.ParseFailOn(s); err == nil {
			t.Errorf("%q is taken for %q", s, f)
		}
	}
}
