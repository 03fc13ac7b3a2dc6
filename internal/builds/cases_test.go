package builds

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// TestCases builds the corrected Dockerfile of every rule case that has one, and audits the image with it: the rule has
// nothing more to say.
func TestCases(t *testing.T) {
	l := need(t)
	files, err := filepath.Glob("../../pkg/rules/testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d rule cases: %v", len(files), err)
	}
	nested, _ := filepath.Glob("../../pkg/rules/testdata/*/*/*.txtar")
	used := map[string]bool{}
	for _, file := range append(files, nested...) {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fixed := section(a, "want.Dockerfile")
		if fixed == nil {
			continue
		}
		rel, _ := filepath.Rel("../../pkg/rules/testdata", file)
		name := strings.TrimSuffix(filepath.ToSlash(rel), ".txtar")
		because, excepted := notBuilt[name]
		used[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			why := l.buildCase(t, path.Dir(name), a, fixed)
			switch {
			case why != "" && !excepted:
				t.Errorf("%s\n%s", why, fixed)
			case why == "" && excepted:
				t.Errorf("it builds, although notBuilt says: %s", because)
			}
		})
	}
	for name := range notBuilt {
		if !used[name] {
			t.Errorf("notBuilt has %s, which is no case with a corrected Dockerfile", name)
		}
	}
}

// buildCase builds and audits one corrected Dockerfile; it says what is wrong.
func (l *rig) buildCase(t *testing.T, rule string, a *txtar.Archive, fixed []byte) string {
	f, err := dockerfile.Parse("Dockerfile", fixed, dockerfile.Options{})
	if err != nil {
		return err.Error()
	}
	dir := t.TempDir()
	writeContext(t, dir, contextOf(a, f))
	if ignore := section(a, "want..dockerignore"); ignore != nil {
		write(t, dir, ".dockerignore", ignore)
	}
	b := lab.Build{Dockerfile: fixed, Ignore: section(a, "want.Dockerfile.dockerignore"), Context: dir}
	if b.Ignore != nil {
		write(t, dir, "Dockerfile.dockerignore", b.Ignore)
	}
	image, words := l.archive(t, b)
	if words != "" {
		return words
	}
	var left []string
	for _, finding := range l.audit(t, image, fixed, dir) {
		if finding.Rule == rule {
			left = append(left, finding.Message)
		}
		if finding.Rule == rule && finding.Fix != nil {
			return "the image still has, with a fix: " + finding.Message
		}
	}
	if before := strings.Count(string(section(a, "want.findings")), "\n"); len(left) >= before {
		return "the image still has: " + strings.Join(left, "; ")
	}
	return ""
}

// section is a part of a case, nil if it has none of that name.
func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// audit audits an image together with the Dockerfile and the context that it was built from.
func (l *rig) audit(t *testing.T, image string, file []byte, context string) []audit.Finding {
	t.Helper()
	name := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	subjects, err := target.Subjects(t.Context(), []string{"oci-archive:" + image}, target.Options{Dockerfile: name, Context: context, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var all []audit.Finding
	for _, s := range subjects {
		if len(s.Unread) > 0 {
			t.Fatalf("unread: %v", s.Unread)
		}
		all = append(all, audit.Run(s, rules.All()).Findings...)
	}
	return all
}
