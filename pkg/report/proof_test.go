package report_test

import (
	"bytes"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/report"
)

// TestProof holds the text of a proof: what differs first and in full, what holds in a line, and what to do.
func TestProof(t *testing.T) {
	code := 0
	stopped := func(request string) *audit.Stopped {
		return &audit.Stopped{Signal: "SIGTERM", Seconds: 0.1, Request: request}
	}
	subject := &audit.Subject{Image: &layers.Image{Ref: "app", Platform: layers.Platform{OS: "linux", Architecture: "amd64"}}}
	r := report.New(report.Tool{Name: "imgaudit"}, []*audit.Subject{subject}, []*audit.Result{{}}, policy.FailOnError)
	r.Proof = &audit.Proof{
		Engines: []string{"podman 4.3.1"}, Image: "sha256:0123", Seconds: 12.34, Outcome: audit.OutcomeDiffers,
		Steps: []audit.Step{
			{Name: "as built", Outcome: audit.OutcomeHolds, Because: "listens at [::]:8080 after 0.1 s, answers 200"},
			{Name: "SIGINT", Outcome: audit.OutcomeDiffers, Because: "not foretold: the request under way was lost when SIGINT ended it in 0.1 s", Command: []string{"imgaudit", "prove", "app", "--env", "A B", "--only", "SIGINT"},
				Predictions: []audit.Prediction{{Rule: "command-missing", Severity: audit.Warning, Certainty: audit.Likely, Message: "/app runs ip\x1b[2J"}},
				Observed: audit.Observation{ExitCode: &code, Seconds: 1.2, Listens: []string{"[::]:8080"}, Ready: 0.1, Status: 200, Stop: stopped("lost"), Memory: 12_300_000,
					Writes: []string{"/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/a"}}},
		},
		Skipped: []audit.SkippedStep{{Name: "no /tmp", Because: "the image has no /tmp"}},
	}
	var out bytes.Buffer
	if err := r.Text(&out, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	const want = `DIFFERS  app
      run under 2 conditions with podman 4.3.1; 12.3 s
      image sha256:0123

differs      SIGINT    not foretold: the request under way was lost when SIGINT ended it in 0.1 s
    foretold: warning (likely) command-missing: /app runs ip\x1b[2J
    seen: exit code 0 after 1.2 s
          listens at [::]:8080 after 0.1 s
          answers 200
          SIGTERM ends it in 0.1 s
          the request under way is lost
          memory at most 12.3 MB
          writes /1
          writes /2
          writes /3
          writes /4
          writes /5
          writes /6
          writes /7
          writes /8
          writes 2 files more
    again: imgaudit prove app --env 'A B' --only SIGINT
holds        as built  listens at [::]:8080 after 0.1 s, answers 200
not run      no /tmp: the image has no /tmp

do: have main wait for http.Server.Shutdown to return: ListenAndServe returns as soon as Shutdown is called
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}
