package binary_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// compiled builds a program in a directory of its own and returns its bytes.
func compiled(t *testing.T, before []string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module app\n\ngo 1.21\n", "main.go": "package main\n\nvar date = \"none\"\n\nfunc main() { println(date) }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(argv ...string) {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH=amd64")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", argv, err, out)
		}
	}
	for _, line := range before {
		run(strings.Fields(line)...)
	}
	run(append(append([]string{"go", "build", "-o", "app"}, args...), ".")...)
	data, err := os.ReadFile(filepath.Join(dir, "app"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func differ(t *testing.T, a, b []byte) *binary.Difference {
	t.Helper()
	d, err := binary.Compare(bytes.NewReader(a), bytes.NewReader(b), [2]int64{int64(len(a)), int64(len(b))})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCompare finds what differs in two builds of one program, and nothing in two that are the same.
func TestCompare(t *testing.T) {
	trimmed := compiled(t, nil, "-trimpath", "-buildvcs=false")
	if d := differ(t, trimmed, compiled(t, nil, "-trimpath", "-buildvcs=false")); d.Sections != nil || d.Settings != nil || d.Places != nil || d.BuildID[0] != d.BuildID[1] {
		t.Errorf("two directories with -trimpath: %+v", d)
	}
	if d := differ(t, compiled(t, nil, "-buildvcs=false"), compiled(t, nil, "-buildvcs=false")); !slices.Contains(d.Sections, ".gopclntab") || slices.Equal(d.Paths[0], d.Paths[1]) {
		t.Errorf("two directories: %v %v", d.Sections, d.Paths)
	}
	d := differ(t, compiled(t, nil, "-trimpath", "-buildvcs=false", "-ldflags=-X main.date=1111111111"), compiled(t, nil, "-trimpath", "-buildvcs=false", "-ldflags=-X main.date=2222222222"))
	linked := func(p binary.Place) bool {
		return strings.Contains(p.First, "1111111111") && strings.Contains(p.Second, "2222222222")
	}
	if !slices.ContainsFunc(d.Places, linked) {
		t.Errorf("a linked string: %+v", d)
	}
	d = differ(t, trimmed, compiled(t, nil, "-trimpath", "-buildvcs=false", "-tags=x"))
	if !slices.Equal(d.Settings, []string{"-tags:  -> x"}) {
		t.Errorf("tags: %q", d.Settings)
	}
	d = differ(t, trimmed, compiled(t, nil, "-trimpath", "-buildvcs=false", "-ldflags=-s -w"))
	if !slices.Contains(d.Sections, ".symtab (only in the first)") {
		t.Errorf("without symbols: %q", d.Sections)
	}
	if _, err := binary.Compare(bytes.NewReader(trimmed), strings.NewReader("text"), [2]int64{int64(len(trimmed)), 4}); err == nil {
		t.Error("a text was compared")
	}
}

// TestCompareStamps: two commits give other stamps of version control.
func TestCompareStamps(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	commit := func(name string) []string {
		return []string{"git init -q", "git add -A", "git -c user.name=x -c user.email=x@example.test commit -qm " + name}
	}
	d := differ(t, compiled(t, commit("one"), "-trimpath", "-buildvcs=true"), compiled(t, commit("two"), "-trimpath", "-buildvcs=true"))
	if !slices.ContainsFunc(d.Settings, func(s string) bool { return strings.HasPrefix(s, "vcs.revision: ") }) {
		t.Errorf("settings %q, sections %q", d.Settings, d.Sections)
	}
	if len(d.Modules) != 0 || !strings.HasPrefix(d.Main, "app: v0.0.0-") {
		t.Errorf("modules %q, main %q", d.Modules, d.Main)
	}
}
