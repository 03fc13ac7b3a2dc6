package prove_test

import (
	"reflect"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// ran is a proof of one run.
func ran(status int, outcome audit.Outcome, rules ...string) *audit.Proof {
	s := audit.Step{Name: "as built", Outcome: outcome, Because: "as it is", Observed: audit.Observation{Listens: []string{"[::]:8080"}, Status: status, Stop: &audit.Stopped{Request: "answered"}}}
	for _, r := range rules {
		s.Predictions = append(s.Predictions, audit.Prediction{Rule: r})
	}
	return &audit.Proof{Steps: []audit.Step{s}, Outcome: outcome}
}

func TestRefusal(t *testing.T) {
	failed := &audit.Proof{Build: &audit.Built{Failed: "no such file", Outcome: audit.OutcomeDiffers}, Outcome: audit.OutcomeDiffers}
	lost := ran(200, audit.OutcomeHolds)
	lost.Steps[0].Observed.Stop.Request = "lost"
	for _, test := range []struct {
		name          string
		before, after *audit.Proof
		fixed         []string
		want          []string
		outcome       audit.Outcome
	}{
		{"the fault is gone", ran(500, audit.OutcomeHolds, "ca-roots-missing"), ran(200, audit.OutcomeHolds), []string{"ca-roots-missing"}, nil, audit.OutcomeHolds},
		{"one of two is gone", ran(200, audit.OutcomeHolds, "a", "a"), ran(200, audit.OutcomeHolds, "a"), []string{"a"}, nil, audit.OutcomeHolds},
		{"it did not build before", failed, ran(200, audit.OutcomeHolds), []string{"does-not-build"}, nil, audit.OutcomeHolds},
		{"it does not build", ran(200, audit.OutcomeHolds), failed, nil, []string{"the corrected file does not build: no such file"}, audit.OutcomeDiffers},
		{"the fault is still there", ran(500, audit.OutcomeHolds, "a"), ran(500, audit.OutcomeHolds, "a"), []string{"a"}, []string{"as built: what a found is still there"}, audit.OutcomeDiffers},
		{"another one was there before", ran(500, audit.OutcomeHolds, "a", "b"), ran(500, audit.OutcomeHolds, "b"), []string{"a"}, nil, audit.OutcomeHolds},
		{"something else comes up", ran(200, audit.OutcomeHolds), ran(500, audit.OutcomeHolds, "b"), []string{"a"}, []string{"as built: it went well before, and now it answers 500"}, audit.OutcomeDiffers},
		{"another answer", ran(200, audit.OutcomeHolds), ran(404, audit.OutcomeHolds), nil, []string{"as built: it went well before, and now it answers 404 in place of 200"}, audit.OutcomeDiffers},
		{"requests are lost", ran(200, audit.OutcomeHolds), lost, nil, []string{"as built: it went well before, and now the request under way is lost when it is stopped"}, audit.OutcomeDiffers},
		{"not foretold", ran(200, audit.OutcomeHolds), ran(500, audit.OutcomeDiffers), nil, []string{"as built: as it is"}, audit.OutcomeDiffers},
		{"not started", ran(0, audit.OutcomeUnproven), ran(0, audit.OutcomeUnproven), nil, []string{"as built: as it is"}, audit.OutcomeUnproven},
		{"not run", ran(200, audit.OutcomeHolds), &audit.Proof{}, nil, []string{"the corrected image was not run"}, audit.OutcomeUnproven},
	} {
		got, outcome := prove.Refusal(test.before, test.after, test.fixed)
		if !reflect.DeepEqual(got, test.want) || outcome != test.outcome {
			t.Errorf("%s: %q, %s; want %q, %s", test.name, got, outcome, test.want, test.outcome)
		}
	}
}

func TestConditionsOf(t *testing.T) {
	known := prove.Conditions()
	for _, name := range prove.ConditionsOf([]string{"readonly-root-unwritable", "runs-as-root", "temp-dir-missing", "timezone-unresolved", "stop-signal-lost", "base-unpinned"}) {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			t.Errorf("no condition is called %q", name)
		}
	}
}
