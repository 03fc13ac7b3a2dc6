package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/report"
)

// render writes findings over a Dockerfile as text, without colour.
func render(t *testing.T, source string, findings ...audit.Finding) string {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(source), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Subject{Dockerfile: f, Image: &layers.Image{Ref: "app\x1b[31m", Platform: layers.Platform{OS: "linux", Architecture: "amd64"}}}
	r := report.New(report.Tool{Name: "imgaudit"}, []*audit.Subject{s}, []*audit.Result{{Findings: findings}}, policy.FailOnError)
	var out bytes.Buffer
	if err := r.Text(&out, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestForeignStrings holds that nothing of an image or Dockerfile reaches the terminal as a control character.
func TestForeignStrings(t *testing.T) {
	text := render(t, "FROM scratch\nENV A=\x1b]0;owned\x07\u202ereversed\n", audit.Finding{
		Rule: "r", Severity: audit.Error, Certainty: audit.Proven, Message: "bad \x1b[2J path\r",
		Evidence: []audit.Evidence{{Level: audit.LevelImage, Text: "file \u009b31m", Calls: []string{"main.main", "evil\x1b[0m"}}},
		Location: &audit.Location{File: "Dockerfile", Line: 2, Column: 1, EndLine: 2, EndColumn: 10},
		Blame:    audit.Blame{Kind: audit.BlameInstruction}, Words: "\x1bc", Remedy: "\a",
	})
	for _, c := range text {
		if c < ' ' && c != '\n' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x202e {
			t.Fatalf("control character %U in:\n%q", c, text)
		}
	}
	if !strings.Contains(text, `\x1b[2J`) && !strings.Contains(text, `\u001b[2J`) {
		t.Errorf("the escape is not shown:\n%s", text)
	}
}

// TestExcerpt holds the lines and carets under a blamed place.
func TestExcerpt(t *testing.T) {
	source := "FROM scratch\nENV\tA=1 B=ü C=3\nRUN a && \\\n  b && \\\n  c && \\\n  d && \\\n  e && \\\n  f && \\\n  g\n"
	at := func(line, column, endLine, endColumn int) audit.Finding {
		return audit.Finding{Rule: "r", Severity: audit.Note, Message: "m", Blame: audit.Blame{Kind: audit.BlameInstruction},
			Location: &audit.Location{File: "Dockerfile", Line: line, Column: column, EndLine: endLine, EndColumn: endColumn}}
	}
	for _, test := range []struct {
		name    string
		finding audit.Finding
		want    string
	}{
		{"a whole line has no carets", at(1, 1, 1, 13), "--> Dockerfile:1\n       1 | >FROM scratch\n"},
		{"a part has, a tab before it kept, letters counted", at(2, 9, 2, 13), "--> Dockerfile:2\n       2 | >ENV\tA=1 B=ü C=3\n         |     \t    ^^^\n"},
		{"many lines are cut", at(2, 1, 9, 4), "       8 |  ... 2 more lines\n"},
		{"but not for one", at(3, 1, 9, 4), "       9 | >  g\n"},
		{"a line that is not there", at(40, 1, 40, 2), "--> Dockerfile:40\n    - "},
	} {
		test.finding.Evidence = []audit.Evidence{{Level: audit.LevelText, Text: "e"}}
		if got := render(t, source, test.finding); !strings.Contains(got, test.want) {
			t.Errorf("%s:\ngot:\n%s\nwant it to contain:\n%s", test.name, got, test.want)
		}
	}
}
