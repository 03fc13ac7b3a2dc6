package builds

import (
	"github.com/imgaudit/imgaudit/internal/lab"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestLayouts builds, runs and audits what `imgaudit generate` writes for every layout of testdata/layouts: the program
// says what it should, and the audit finds nothing but tags that may move and what the layout's section `finds` names.
func TestLayouts(t *testing.T) {
	l := need(t)
	files, err := filepath.Glob("../../testdata/layouts/*.txtar")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d layouts: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			layout, _, _ := strings.Cut(name, "@")
			l.buildLayout(t, filepath.Join("../../testdata/layouts", layout), a)
		})
	}
}

func (l *rig) buildLayout(t *testing.T, layout string, a *txtar.Archive) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(layout)); err != nil {
		t.Fatal(err)
	}
	var file []byte
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "want/"); ok {
			write(t, dir, name, f.Data)
			if strings.HasSuffix(name, "Dockerfile") {
				file = f.Data
			}
		}
	}
	downloadModules(t, dir)
	netrc := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(netrc, []byte("machine git.example.com login nobody password nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	context := filepath.Join(dir, strings.TrimSpace(string(section(a, "context"))))
	b := lab.Build{Dockerfile: file, Context: context, Opts: []string{"--secret", "id=netrc,src=" + netrc}}
	image, words := l.archive(t, b)
	if words != "" {
		t.Fatalf("%s\n%s", words, file)
	}
	finds := strings.Fields(string(section(a, "finds")))
	for _, f := range l.audit(t, image, file, context) {
		if f.Rule != "base-unpinned" && !slices.Contains(finds, f.Rule) {
			t.Errorf("the audit says: %s %s: %s", f.Severity, f.Rule, f.Message)
		}
	}
	want := strings.TrimSpace(string(section(a, "says")))
	if o := l.start(t, image); !strings.Contains(o.output, want) || o.code != 0 && want != "" {
		t.Errorf("it says %q with exit code %d, not %q", o.output, o.code, want)
	}
}

// downloadModules puts what the modules of a directory require into the module cache, which the builds are served from.
func downloadModules(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "go.mod" {
			return err
		}
		cmd := exec.Command("go", "mod", "download", "all")
		cmd.Dir = filepath.Dir(path)
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local")
		_, _ = cmd.CombinedOutput() // what cannot be downloaded fails the build, with better words
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
