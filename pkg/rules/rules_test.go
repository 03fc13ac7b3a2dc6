package rules_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

var update = flag.Bool("update", false, "rewrite the want sections of the cases")

// TestCases runs every rule over its cases. Each rule must fire in one case, stay silent in another, and have the
// example that its documentation shows.
func TestCases(t *testing.T) {
	for _, rule := range rules.All() {
		t.Run(rule.ID, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata", rule.ID, "*.txtar"))
			if err != nil {
				t.Fatal(err)
			}
			fired, silent := false, false
			for _, file := range files {
				switch runCase(t, rule, file) {
				case true:
					fired = true
				default:
					silent = true
				}
			}
			if !fired || !silent {
				t.Errorf("%s: fires in a case: %v, silent in a case: %v; both are needed", rule.ID, fired, silent)
			}
			if ex := rules.Example(rule.ID); ex == nil || len(strings.TrimSpace(string(ex.Comment))) == 0 {
				t.Errorf("%s: no testdata/%s/example.txtar with a sentence first", rule.ID, rule.ID)
			}
		})
	}
}

// TestOrphans finds case folders without a rule.
func TestOrphans(t *testing.T) {
	var folders []string
	for _, pattern := range []string{"testdata/*", "testdata/buildkit/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		id := strings.TrimPrefix(filepath.ToSlash(folder), "testdata/")
		if id != "buildkit" && id != "good" && rules.Find(id) == nil { // good is TestGood's
			t.Errorf("%s belongs to no rule", folder)
		}
	}
}

// runCase checks one case and reports whether the rule fired.
func runCase(t *testing.T, rule *audit.Rule, file string) bool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := parseCase(t, file, data)
	source := c.sections["Dockerfile"]
	result := audit.Run(c.subject(t, source), []*audit.Rule{rule})
	checkFindings(t, file, rule, result.Findings)
	want := map[string]string{"want.findings": describe(result.Findings)}
	if _, told := c.sections["want.skipped"]; told && len(result.Skipped) == 1 {
		want["want.skipped"] = result.Skipped[0].Because + "\n"
	} else if told || len(result.Skipped) > 0 {
		t.Errorf("%s: the rule is skipped: %v", file, result.Skipped)
	}
	for name, text := range applyFixes(t, c, rule, result.Findings) {
		want["want."+name] = text
	}
	compare(t, c, file, want)
	return len(result.Findings) > 0
}

// checkFindings holds what is true of every finding.
func checkFindings(t *testing.T, file string, rule *audit.Rule, findings []audit.Finding) {
	t.Helper()
	for _, f := range findings {
		switch {
		case len(f.Evidence) == 0:
			t.Errorf("%s: a finding without evidence: %s", file, f.Message)
		case strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "\n"):
			t.Errorf("%s: a message is one line without a period: %q", file, f.Message)
		case f.Certainty != audit.Proven && f.Severity == audit.Error:
			t.Errorf("%s: an error that is not proven: %s", file, f.Message)
		case f.Location == nil && f.Blame.Kind != audit.BlameUnknown, f.Location != nil && f.Blame.Kind == audit.BlameUnknown:
			t.Errorf("%s: location and blame disagree: %+v", file, f)
		case f.Location == nil && f.Blame.Because == "":
			t.Errorf("%s: no line and no reason why: %s", file, f.Message)
		case f.Remedy == "":
			t.Errorf("%s: no word on what to do: %s", file, f.Message)
		}
	}
}

// applyFixes corrects the case by its rule alone, unsafe fixes too. No fix may be left out, and the corrected text gets none
// again. It gives the Dockerfile, changed or not, and what else changed, by name; nil without a fix.
func applyFixes(t *testing.T, c *ruleCase, rule *audit.Rule, findings []audit.Finding) map[string]string {
	t.Helper()
	if !slices.ContainsFunc(findings, func(f audit.Finding) bool { return f.Fix != nil }) {
		return nil
	}
	done, err := repair.Correct(c.subject(t, c.sections["Dockerfile"]), []*audit.Rule{rule}, repair.Options{Unsafe: true})
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	for _, l := range done.Left {
		if l.Finding.Fix != nil {
			t.Errorf("%s: the fix of %q is left out: %s", c.name, l.Finding.Message, l.Because)
		}
	}
	again := parseCase(t, c.name, txtar.Format(c.archive))
	out := map[string]string{}
	for _, f := range done.Files {
		again.change(f.Path, f.After)
		out[f.Path] = string(f.After)
	}
	fixed := again.sections["Dockerfile"]
	out["Dockerfile"] = string(fixed)
	for _, f := range audit.Run(again.subject(t, fixed), []*audit.Rule{rule}).Findings {
		if f.Fix != nil {
			t.Errorf("%s: the corrected Dockerfile gets a fix again: %s", c.name, f.Message)
		}
	}
	return out
}

// compare checks the want sections, or rewrites them.
func compare(t *testing.T, c *ruleCase, file string, want map[string]string) {
	t.Helper()
	same := true
	names := []string{"want.findings", "want.Dockerfile", "want..dockerignore", "want.Dockerfile.dockerignore"}
	for _, name := range names {
		got, have := want[name], string(c.sections[name])
		if got != have {
			same = false
			if !*update {
				t.Errorf("%s: %s\ngot:\n%swant:\n%s", file, name, got, have)
			}
		}
	}
	if same || !*update {
		return
	}
	a := &txtar.Archive{Comment: c.archive.Comment}
	for _, f := range c.archive.Files {
		if !strings.HasPrefix(f.Name, "want.") {
			a.Files = append(a.Files, f)
		}
	}
	for _, name := range names {
		if text, ok := want[name]; ok {
			a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
