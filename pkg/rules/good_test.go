package rules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// TestGood audits ordinary Dockerfiles of Go services, as people write them who know what they do, by all rules. What is
// said of them is pinned in want; half of them get at most two findings, none gets more than three, and none an error.
func TestGood(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.Dockerfile")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d Dockerfiles: %v", len(files), err)
	}
	var got strings.Builder
	var counts []int
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := dockerfile.Parse(filepath.Base(name), src, dockerfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := &audit.Subject{Dockerfile: f}
		s.Prepare()
		findings := audit.Run(s, rules.All()).Findings
		counts = append(counts, len(findings))
		for _, x := range findings {
			line := 0
			if x.Location != nil {
				line = x.Location.Line
			}
			fmt.Fprintf(&got, "%s:%d: %s %s: %s\n", filepath.Base(name), line, x.Severity, x.Rule, x.Message)
			if x.Severity == audit.Error {
				t.Errorf("%s: an error on a good Dockerfile: %s", name, x.Message)
			}
		}
	}
	slices.Sort(counts)
	if median, most := counts[len(counts)/2], counts[len(counts)-1]; median > 2 || most > 3 {
		t.Errorf("the median is %d findings, the most %d: %v", median, most, counts)
	}
	want := filepath.Join("testdata", "good", "want")
	if *update {
		if err := os.WriteFile(want, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(text) {
		t.Errorf("got:\n%swant:\n%s", got.String(), text)
	}
}
