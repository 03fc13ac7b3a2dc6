package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestGenerateLayouts generates the files of each module layout in testdata/layouts. Beside the directory of a layout
// stands NAME.txtar, or NAME@CASE.txtar: args is the command line, context the directory to build, says what the program
// says then (internal/builds builds and runs it); want.* are the files written and what is said on standard error.
func TestGenerateLayouts(t *testing.T) {
	layouts, err := filepath.Abs(filepath.Join(projectRoot, "testdata", "layouts"))
	check(t, err)
	files, err := filepath.Glob(filepath.Join(layouts, "*.txtar"))
	check(t, err)
	if len(files) < 20 {
		t.Fatalf("%d layouts", len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			check(t, err)
			dir := t.TempDir()
			layout, _, _ := strings.Cut(name, "@")
			check(t, os.CopyFS(dir, os.DirFS(filepath.Join(layouts, layout))))
			before := map[string]bool{}
			check(t, filepath.Walk(dir, func(p string, _ os.FileInfo, err error) error { before[p] = true; return err }))
			t.Chdir(dir)
			var stdout, stderr bytes.Buffer
			args := append([]string{"generate", "-w", "--force"}, strings.Fields(section(ar, "args"))...)
			none := func(string) (string, bool) { return "", false }
			if code := run(args, nil, &stdout, &stderr, none); code != 0 || stdout.Len() > 0 {
				t.Fatalf("exit code %d\n%s%s", code, &stdout, &stderr)
			}
			got := []txtar.File{{Name: "want.stderr", Data: stderr.Bytes()}}
			check(t, filepath.Walk(dir, func(p string, fi os.FileInfo, err error) error {
				if err != nil || fi.IsDir() || before[p] && filepath.Base(p) != ".dockerignore" {
					return err
				}
				rel, err := filepath.Rel(dir, p)
				check(t, err)
				text, err := os.ReadFile(p)
				got = append(got, txtar.File{Name: "want/" + rel, Data: text})
				return err
			}))
			compareLayout(t, file, ar, got)
		})
	}
}

// section is the text of a section of a case.
func section(ar *txtar.Archive, name string) string {
	for _, f := range ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// compareLayout compares what was generated with the case, or rewrites it.
func compareLayout(t *testing.T, file string, ar *txtar.Archive, got []txtar.File) {
	t.Helper()
	var kept []txtar.File
	want := 0
	for _, f := range ar.Files {
		if !strings.HasPrefix(f.Name, "want") {
			kept = append(kept, f)
		} else {
			want++
		}
	}
	if *update {
		ar.Files = append(kept, got...)
		check(t, os.WriteFile(file, txtar.Format(ar), 0o644))
		return
	}
	if want != len(got) {
		t.Errorf("%d files, want %d", len(got), want)
	}
	for _, f := range got {
		if text := section(ar, f.Name); text != string(f.Data) {
			t.Errorf("%s: got\n%s\nwant\n%s", f.Name, f.Data, text)
		}
	}
}
