package repair_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// FuzzCorrect corrects any text by all rules: what comes out parses, has every comment, makes no more findings than
// before, and is not corrected again.
func FuzzCorrect(f *testing.F) {
	cases, err := filepath.Glob("../rules/testdata/*/*.txtar")
	if err != nil || len(cases) == 0 {
		f.Fatalf("%d cases: %v", len(cases), err)
	}
	for i, file := range cases {
		if testing.Short() && i%10 != 0 {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range txtar.Parse(data).Files {
			if x.Name == "Dockerfile" {
				f.Add(x.Data, i%2 == 0)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, unsafe bool) {
		if len(src) > 4<<10 {
			return // time, not depth
		}
		s := parsed(t, src)
		if s == nil {
			return
		}
		opt := repair.Options{Unsafe: unsafe}
		c, err := repair.Correct(s, rules.All(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Files) == 0 {
			return
		}
		after := c.Files[0].After
		again := parsed(t, after)
		if again == nil {
			t.Fatalf("the corrected text does not parse: %q", after)
		}
		for line := range strings.Lines(string(src)) {
			if comment := strings.TrimSpace(line); strings.HasPrefix(comment, "#") && !bytes.Contains(after, []byte(comment)) {
				t.Errorf("the comment %q is lost", comment)
			}
		}
		if was, is := len(audit.Run(s, rules.All()).Findings), len(audit.Run(again, rules.All()).Findings); is > was-len(c.Applied)-len(c.Gone)+consequences(c) {
			t.Errorf("%d findings, %d fixed, and then %d", was, len(c.Applied), is)
		}
		if len(again.Dockerfile.Warnings) > len(s.Dockerfile.Warnings) {
			t.Error("BuildKit's linter says more than before")
		}
		second, err := repair.Correct(again, rules.All(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if len(second.Files) > 0 {
			t.Errorf("corrected again:\n%s", repair.Diff(second.Files))
		}
	})
}

func consequences(c *repair.Correction) int {
	n := 0
	for _, a := range c.Applied {
		if a.Consequence {
			n++
		}
	}
	return n
}

// parsed is the subject of a text, nil for one that BuildKit refuses.
func parsed(t *testing.T, src []byte) *audit.Subject {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", src, dockerfile.Options{})
	if err != nil {
		return nil
	}
	s := &audit.Subject{Dockerfile: f}
	s.Prepare()
	return s
}
