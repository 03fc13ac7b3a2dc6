package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra/doc"

	"github.com/imgaudit/imgaudit/pkg/report"
)

//go:generate go test . -run TestDocs -update

// TestDocs compares docs/rules and docs/cli with what the rules and commands say; with -update it writes them.
func TestDocs(t *testing.T) {
	want := map[string][]byte{}
	index := bytes.NewBufferString("# Rules\n\nMade from the code by `go generate ./...`.\n\n| rule | severity | sees | fault |\n| --- | --- | --- | --- |\n")
	for _, r := range catalogue() {
		var page bytes.Buffer
		check(t, report.RuleDoc(&page, r, example(r.ID)))
		want[filepath.Join("rules", r.ID+".md")] = page.Bytes()
		fmt.Fprintf(index, "| [%s](%s.md) | %s | %s | %s |\n", r.ID, r.ID, r.Severity, report.SeesText(r.Sees), r.Title)
	}
	want[filepath.Join("rules", "README.md")] = index.Bytes()

	root := newRoot(&app{})
	root.DisableAutoGenTag = true
	cli := t.TempDir()
	check(t, doc.GenMarkdownTree(root, cli))
	pages, err := os.ReadDir(cli)
	check(t, err)
	for _, p := range pages {
		text, err := os.ReadFile(filepath.Join(cli, p.Name()))
		check(t, err)
		want[filepath.Join("cli", p.Name())] = text
	}
	compareDocs(t, filepath.Join(projectRoot, "docs"), want)
}

// compareDocs finds pages that differ, are missing or belong to nothing any more.
func compareDocs(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	for _, sub := range []string{"rules", "cli"} {
		check(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
		check(t, filepath.WalkDir(filepath.Join(dir, sub), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(dir, file)
			if err != nil || want[name] != nil {
				return err
			}
			if *update {
				return os.Remove(file)
			}
			t.Errorf("docs/%s belongs to no rule or command: go generate ./...", name)
			return nil
		}))
	}
	for name, text := range want {
		file := filepath.Join(dir, name)
		if *update {
			check(t, os.MkdirAll(filepath.Dir(file), 0o755))
			check(t, os.WriteFile(file, text, 0o644))
			continue
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, text) {
			t.Errorf("docs/%s is not what the code says: go generate ./...", name)
		}
	}
}
