// Package ci holds the scripts that CI runs. Its test compares what really happened to the images of testdata/real with
// what imgaudit said of them.
package ci

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// observation is one line of observed.json, which main-job.sh writes.
type observation struct {
	Variant string   `json:"variant"`
	Exit    int      `json:"exit"`
	Words   string   `json:"words"`
	Page    []string `json:"page"`
}

// finding is the part of a report's finding that foretells a run.
type finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Words    string `json:"words"`
}

// TestForetold reads main-job.sh's work directory, and holds for every image that failed when it ran that a finding had
// said so, with the same words or exit code; and for the good image that there is none but notes.
func TestForetold(t *testing.T) {
	dir := os.Getenv("IMGAUDIT_CI_DIR")
	if dir == "" {
		t.Skip("run by internal/ci/main-job.sh, which sets IMGAUDIT_CI_DIR")
	}
	var observed []observation
	read(t, filepath.Join(dir, "observed.json"), &observed)
	if len(observed) == 0 {
		t.Fatal("nothing was observed")
	}
	for _, o := range observed {
		t.Run(o.Variant, func(t *testing.T) {
			var report struct {
				Findings []finding `json:"findings"`
			}
			read(t, filepath.Join(dir, "reports", o.Variant+".json"), &report)
			foretold := foretelling(report.Findings, o)
			switch {
			case o.Variant == "right" && !onlyNotes(report.Findings):
				t.Errorf("the good image has errors or warnings: %v", report.Findings)
			case o.Variant != "right" && foretold == "":
				t.Errorf("no finding foretold exit %d, %q", o.Exit, o.Words)
			case foretold != "":
				t.Logf("%s foretold: %s", foretold, o.Words)
			}
		})
	}
}

// onlyNotes reports whether no finding is worse than a note.
func onlyNotes(findings []finding) bool {
	return !slices.ContainsFunc(findings, func(f finding) bool { return f.Severity != "note" })
}

// foretelling returns the rule whose finding said what was observed: the words, "..." standing for any text, or the exit
// code.
func foretelling(findings []finding, o observation) string {
	for _, f := range findings {
		if f.Words == "" {
			continue
		}
		for line := range strings.Lines(f.Words) {
			pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), `\.\.\.`, ".*")
			if regexp.MustCompile(pattern).MatchString(o.Words) || strings.Contains(line, o.Words) {
				return f.Rule
			}
		}
		if o.Exit != 0 && strings.Contains(f.Words, fmt.Sprintf("exit code %d", o.Exit)) {
			return f.Rule
		}
	}
	return ""
}

func read(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
