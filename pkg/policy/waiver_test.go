package policy_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

var update = flag.Bool("update", false, "rewrite the want sections of the cases")

// today is the day of the audits here.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// subject is a Dockerfile with a build context of the files named.
func subject(t *testing.T, source string, files ...string) *audit.Subject {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(source), dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Subject{Dockerfile: f, Now: today}
	root := fstest.MapFS{"Dockerfile": {Data: []byte(source)}}
	for _, name := range files {
		root[name] = &fstest.MapFile{Data: []byte("x\n")}
	}
	if s.Context, err = dockerfile.NewContext(".", root, "Dockerfile"); err != nil {
		t.Fatal(err)
	}
	s.Prepare()
	return s
}

// describe writes the findings that are waived or about waivers.
func describe(findings []audit.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		if f.Waived == nil && !strings.HasPrefix(f.Rule, "waiver-") {
			continue
		}
		where := "-"
		if f.Location != nil {
			where = fmt.Sprintf("%d:%d", f.Location.Line, f.Location.Column)
		}
		fmt.Fprintf(&b, "%s %s %s: %s\n", f.Severity, where, f.Rule, f.Message)
		if w := f.Waived; w != nil {
			fmt.Fprintf(&b, "  waived by line %d, %s %s %s %q %s\n", w.Location.Line, w.By, w.Style, w.Names, w.Reason, w.Until)
		}
	}
	if b.Len() == 0 {
		return "none\n"
	}
	return b.String()
}

// TestCases runs all rules over the cases of the rules about waivers. Each must fire in one, and be silent in another.
func TestCases(t *testing.T) {
	all := rules.All()
	for _, rule := range policy.Rules() {
		fired, silent := false, false
		files, err := filepath.Glob(filepath.Join("testdata", rule.ID, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no cases, %v", rule.ID, err)
		}
		for _, file := range files {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sections := map[string]string{}
			for _, f := range archive.Files {
				sections[f.Name] = string(f.Data)
			}
			s := subject(t, sections["Dockerfile"], strings.Fields(sections["context"])...)
			res := audit.Run(s, all)
			policy.Waive([]*audit.Subject{s}, []*audit.Result{res}, all)
			got := describe(res.Findings)
			if strings.Contains(got, " "+rule.ID+": ") {
				fired = true
			} else {
				silent = true
			}
			if got == sections["want.findings"] {
				continue
			}
			if !*update {
				t.Errorf("%s\ngot:\n%swant:\n%s", file, got, sections["want.findings"])
				continue
			}
			var kept []txtar.File
			for _, f := range archive.Files {
				if f.Name != "want.findings" {
					kept = append(kept, f)
				}
			}
			archive.Files = append(kept, txtar.File{Name: "want.findings", Data: []byte(got)})
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if !fired || !silent {
			t.Errorf("%s: fires in a case: %v, silent in one: %v", rule.ID, fired, silent)
		}
		if ex := policy.Example(rule.ID); ex == nil || len(strings.TrimSpace(string(ex.Comment))) == 0 {
			t.Errorf("%s: no example with a sentence first", rule.ID)
		}
	}
}

// at reports a finding of a rule at each line given, 0 for one without a line.
func at(id string, severity audit.Severity, lines ...int) *audit.Rule {
	return &audit.Rule{ID: id, Severity: severity, Check: func(p *audit.Pass) {
		for _, line := range lines {
			f := audit.Finding{Message: fmt.Sprint(line)}
			if line > 0 {
				f.Location = &audit.Location{File: p.Dockerfile.Path, Line: line, Column: 1, EndLine: line, EndColumn: 2}
			}
			p.Report(f)
		}
	}}
}

// waived lists the findings that are waived, as rule:line.
func waived(results ...*audit.Result) string {
	var out []string
	for _, res := range results {
		for _, f := range res.Findings {
			switch {
			case f.Waived != nil:
				out = append(out, f.Rule+":"+f.Message)
			case strings.HasPrefix(f.Rule, "waiver-"):
				out = append(out, fmt.Sprintf("%s:%d", f.Rule, f.Location.Line))
			}
		}
	}
	return strings.Join(out, " ")
}

// TestWaive holds what a waiver covers.
func TestWaive(t *testing.T) {
	for _, test := range []struct {
		name, source string
		rules        []*audit.Rule
		want         string
	}{
		{"an instruction and nothing else", "FROM a\n# imgaudit:ignore=r\nRUN b\nRUN c\n", []*audit.Rule{at("r", audit.Error, 1, 3, 4)}, "r:3"},
		{"only the rule that is named", "FROM a\n# imgaudit:ignore=r\nRUN b\n", []*audit.Rule{at("q", audit.Error, 3), at("r", audit.Error, 3)}, "r:3"},
		{"a stage by its FROM, what blames no line not in another's", "# imgaudit:ignore=r\nFROM a AS x\nRUN b\nFROM c\nCOPY --from=x /b /b\n",
			[]*audit.Rule{at("r", audit.Error, 0, 2, 3, 4)}, "r:2 r:3"},
		{"what blames no line is the final stage's", "FROM a AS x\nRUN b\n# imgaudit:ignore=r\nFROM c\nCOPY --from=x /b /b\n", []*audit.Rule{at("r", audit.Error, 0, 1)}, "r:0"},
		{"a base that is blamed is the final stage's, too", "FROM a AS x\n# imgaudit:ignore=r\nFROM x\nRUN b\n", []*audit.Rule{at("r", audit.Error, 1)}, "r:1"},
		{"a file", "# imgaudit:ignore-file=r\nFROM a\nRUN b\n", []*audit.Rule{at("r", audit.Error, 0, 2, 3)}, "r:2 r:3 r:0"},
		{"the last day", "FROM a\n# imgaudit:ignore=r until=2026-11-22\nRUN b\n", []*audit.Rule{at("r", audit.Error, 3)}, "r:3"},
		{"the day after", "FROM a\n# imgaudit:ignore=r until=2026-11-21\nRUN b\n", []*audit.Rule{at("r", audit.Error, 3)}, "waiver-expired:2"},
		{"an expired one does not hide a live one", "# imgaudit:ignore-file=r\nFROM a\n# imgaudit:ignore=r until=2026-11-21\nRUN b\n", []*audit.Rule{at("r", audit.Error, 4)}, "waiver-expired:3 r:4"},
		{"two rules, one of no use", "FROM a\n# imgaudit:ignore=r,q\nRUN b\n", []*audit.Rule{at("q", audit.Error), at("r", audit.Error, 3)}, "waiver-unused:2 r:3"},
		{"hadolint's", "FROM a\n# hadolint ignore=DL3002\nUSER root\n", []*audit.Rule{at("runs-as-root", audit.Warning, 3)}, "runs-as-root:3"},
		{"another's comment waives no error", "FROM a\n# hadolint ignore=DL3002\nUSER root\n", []*audit.Rule{at("runs-as-root", audit.Error, 3)}, ""},
		{"a code of no meaning here is left alone", "FROM a\n# hadolint ignore=DL3047,SC2046\nRUN b\n", []*audit.Rule{at("runs-as-root", audit.Warning, 3)}, ""},
		{"a code that a rule covers in part, too", "FROM a\n# hadolint ignore=DL3008\nRUN b\n", []*audit.Rule{at("packages-unpinned", audit.Note)}, ""},
		{"a code that it covers whole is of no use", "# hadolint ignore=DL3006\nFROM a:1\nRUN b\n", []*audit.Rule{at("base-unpinned", audit.Note)}, "waiver-unused:1"},
		{"not if the rule fires elsewhere", "# hadolint ignore=DL3006\nFROM a:1\nRUN b\n", []*audit.Rule{at("base-unpinned", audit.Note, 3)}, ""},
		{"BuildKit's", "# check=skip=JSONArgsRecommended\nFROM a\nCMD b\n", []*audit.Rule{at("shell-form", audit.Note, 3)}, "shell-form:3"},
		{"tally's", "FROM a\n# tally ignore=hadolint/DL3002,buildkit/UndefinedVar\nUSER root\n", []*audit.Rule{at("runs-as-root", audit.Warning, 3), at("buildkit/UndefinedVar", audit.Note, 3)}, "buildkit/UndefinedVar:3 runs-as-root:3"},
		{"trivy's in all spellings", "FROM a\n# trivy:ignore:AVD-DS-0002\n# trivy:ignore:DS001 trivy:ignore:ds-0005\nUSER root\n",
			[]*audit.Rule{at("runs-as-root", audit.Warning, 4), at("base-unpinned", audit.Note, 4), at("add-instead-of-copy", audit.Note, 4)}, "add-instead-of-copy:4 base-unpinned:4 runs-as-root:4"},
		{"checkov's", "FROM a\nUSER root\n# checkov:skip=CKV_DOCKER_8:because\n", []*audit.Rule{at("runs-as-root", audit.Warning, 2)}, "runs-as-root:2"},
		{"a rule that there is not", "FROM a\n# imgaudit:ignore=runs-as-rot\nUSER root\n", []*audit.Rule{at("runs-as-root", audit.Warning, 3)}, "waiver-malformed:2"},
		{"one about waivers", "# imgaudit:ignore-file=waiver-unused\nFROM a\n", nil, "waiver-malformed:1"},
		{"a stage that the target does not need may need it", "# imgaudit:ignore=r\nFROM a AS x\nFROM b\n", []*audit.Rule{at("r", audit.Error)}, ""},
	} {
		s := subject(t, test.source)
		res := audit.Run(s, test.rules)
		policy.Waive([]*audit.Subject{s}, []*audit.Result{res}, test.rules)
		if got := waived(res); got != test.want {
			t.Errorf("%s: got %q, want %q\n%s", test.name, got, test.want, test.source)
		}
	}
}

// TestWaivePlatforms holds that one Dockerfile of several images is judged once, by what any of them shows.
func TestWaivePlatforms(t *testing.T) {
	source := "FROM a\n# imgaudit:ignore=r,q,nope\nRUN b\n"
	one, other := subject(t, source), subject(t, source)
	results := []*audit.Result{audit.Run(one, []*audit.Rule{at("r", audit.Error)}), audit.Run(other, []*audit.Rule{at("r", audit.Error, 3)})}
	policy.Waive([]*audit.Subject{one, other}, results, []*audit.Rule{at("r", audit.Error), at("q", audit.Error)})
	if got := waived(results...); got != "waiver-malformed:2 waiver-unused:2 r:3" {
		t.Errorf("got %q", got)
	}
}

// TestWaiveCarried holds that the maker of an image cannot waive what is found in it.
func TestWaiveCarried(t *testing.T) {
	s := subject(t, "# imgaudit:ignore-file=r,nope until=2020-01-01\nFROM a\n")
	s.DockerfileCarried = true
	res := audit.Run(s, []*audit.Rule{at("r", audit.Error, 2)})
	policy.Waive([]*audit.Subject{s}, []*audit.Result{res}, []*audit.Rule{at("r", audit.Error)})
	if got := waived(res); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestMeanings holds that every code of another program means rules that there are.
func TestMeanings(t *testing.T) {
	for _, id := range policy.Meant() {
		if rules.Find(id) == nil {
			t.Errorf("a code means %s, which is no rule", id)
		}
	}
}
