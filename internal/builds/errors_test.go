package builds

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// TestErrors builds the Dockerfile of every case in which a rule is certain that the build stops: it does, with the words
// of the finding.
func TestErrors(t *testing.T) {
	l := need(t)
	for _, rule := range []string{"does-not-build", "cgo-without-compiler", "cache-mount-lost"} {
		files, err := filepath.Glob(filepath.Join("../../pkg/rules/testdata", rule, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%d cases of %s: %v", len(files), rule, err)
		}
		for _, file := range files {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := rule + "/" + strings.TrimSuffix(filepath.Base(file), ".txtar")
			if !strings.Contains(string(section(a, "want.findings")), "error proven") || section(a, "Dockerfile") == nil {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if because := notBuilt[name]; because != "" {
					t.Skip(because)
				}
				l.fails(t, rule, a)
			})
		}
	}
}

// fails builds a case as it is and expects what the rule's first certain finding says.
func (l *rig) fails(t *testing.T, rule string, a *txtar.Archive) {
	text := section(a, "Dockerfile")
	f, err := dockerfile.Parse("Dockerfile", text, dockerfile.Options{})
	if err != nil {
		t.Skip("BuildKit refuses the file itself: TestRefusals and the parser's tests look at such")
	}
	dir := t.TempDir()
	files := given(a)
	if rule != "does-not-build" { // whose files are missing on purpose
		files = contextOf(a, f)
	}
	writeContext(t, dir, files)
	s := &audit.Subject{Dockerfile: f}
	if s.Context, err = dockerfile.NewContext(dir, os.DirFS(dir), "Dockerfile"); err != nil {
		t.Fatal(err)
	}
	s.Module, _ = source.ReadModule(s.Context.FS)
	s.Prepare()
	var want []string
	for _, found := range audit.Run(s, []*audit.Rule{rules.Find(rule)}).Findings {
		if found.Words != "" { // BuildKit stops at the first that it comes to
			want = append(want, loose(found.Words))
		}
	}
	switch {
	case len(want) == 0:
		t.Skip("the finding needs more than the case's text and context")
	case strings.Contains(want[0], "stub"):
		t.Skip("it builds, and fails when it runs")
	}
	words := l.build(t, lab.Build{Dockerfile: text, Context: dir, Opts: l.standInsFor("debian")}, "type=oci,dest=/dev/null")
	if !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(loose(words), w) }) {
		t.Errorf("the build says %s, the findings %q", words, want)
	}
}

// given are the files of a case's context, and no others.
func given(a *txtar.Archive) map[string][]byte {
	files := map[string][]byte{"go.mod": []byte("module example.com/app\n\ngo 1.26\n"), "main.go": []byte("package main\n\nfunc main() {}\n")}
	for _, f := range a.Files {
		rest, below := strings.CutPrefix(f.Name, "context/")
		switch {
		case below && path.Ext(rest) != ".mod":
			files[rest] = f.Data
		case f.Name == ".dockerignore":
			files[f.Name] = f.Data
		case f.Name == "context":
			for _, name := range strings.Fields(string(f.Data)) {
				if files[name] == nil {
					files[name] = []byte("x\n")
				}
			}
		}
	}
	return files
}

var quotes = regexp.MustCompile(`[\\"']`)

// loose is a text without quotes, which BuildKit writes in several ways.
func loose(text string) string { return quotes.ReplaceAllString(text, "") }
