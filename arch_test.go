package imgaudit

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/imgaudit/imgaudit/"

// mayImport is the import map: each package with those of ours that it may import. Floors, from the ground: the
// readers, audit, then target, rules, policy, repair and prove, then report and admission, cmd on top.
const mayImport = `
pkg/cache:
pkg/config:
pkg/dockerfile: internal/lazyregexp
pkg/layers: pkg/cache internal/secret internal/lazyregexp
pkg/binary: internal/secret
pkg/source: internal/lazyregexp
pkg/deploy:
pkg/sign:
policies:
pkg/audit: pkg/dockerfile pkg/layers pkg/binary pkg/source pkg/deploy internal/lazyregexp
pkg/target: pkg/audit pkg/cache pkg/dockerfile pkg/layers pkg/binary pkg/source pkg/deploy internal/gitignore
pkg/rules: pkg/audit pkg/dockerfile pkg/layers pkg/binary pkg/source pkg/deploy internal/secret internal/lazyregexp
pkg/policy: pkg/audit pkg/dockerfile policies
pkg/repair: pkg/audit pkg/dockerfile pkg/binary pkg/source internal/lazyregexp
pkg/prove: pkg/audit pkg/dockerfile pkg/layers pkg/binary
pkg/report: pkg/audit pkg/policy pkg/repair pkg/layers pkg/binary internal/secret
pkg/admission: pkg/policy pkg/sign
cmd/imgaudit: *
internal/lazyregexp:
internal/secret:
internal/elftest:
internal/gitignore:
internal/imagetest: pkg/layers
internal/demo: cmd/imgaudit
internal/ci/bigimage:
internal/ci/cputime:
internal/ci/dockerfiles:
internal/ci/floor:
internal/ci/parsefloor:
internal/ci/tlspeer:
internal/reality:
internal/matrix: pkg/binary
internal/oracle/lintfloor:
internal/oracle:
internal/builds:
internal/accuracy:
internal/lab: pkg/dockerfile
.:
`

// owners are the heavy dependencies with the one package each that may import them, tests and internal aside.
const owners = `
github.com/moby/buildkit: pkg/dockerfile
github.com/moby/patternmatcher: pkg/dockerfile
mvdan.cc/sh: pkg/dockerfile
github.com/google/go-containerregistry: pkg/layers
github.com/klauspost/compress: pkg/layers
github.com/docker/cli: pkg/layers
github.com/BurntSushi/toml: pkg/layers
github.com/aymanbagabas/go-udiff: pkg/repair
go.yaml.in/yaml: pkg/config
golang.org/x/arch: pkg/binary
golang.org/x/mod: pkg/source
debug/elf: pkg/binary
debug/buildinfo: pkg/binary
debug/gosym: pkg/binary
github.com/sigstore/cosign: pkg/sign
github.com/spf13/cobra: cmd/imgaudit
os/exec: pkg/prove pkg/source
`

// table reads "key: words" lines.
func table(text string) map[string][]string {
	t := map[string][]string{}
	for line := range strings.Lines(text) {
		if key, words, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			t[key] = strings.Fields(words)
		}
	}
	return t
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w || x == "*" {
			return true
		}
	}
	return false
}

// violations parses the imports of every Go file below root (no go command: its answers come from a cache) and lists
// the arrows that the maps do not allow.
func violations(root fs.FS) ([]string, error) {
	allowed, owned := table(mayImport), table(owners)
	var bad []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		dir := path.Dir(name)
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if _, known := allowed[dir]; !known {
			bad = append(bad, name+": package "+dir+" is not in the import map")
			return nil
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if ours, ok := strings.CutPrefix(imp, module); ok && !contains(allowed[dir], ours) {
				bad = append(bad, name+": "+dir+" may not import "+ours)
			}
			for dep, homes := range owned {
				if (imp == dep || strings.HasPrefix(imp, dep+"/")) && !contains(homes, dir) && !strings.HasPrefix(dir, "internal/") {
					bad = append(bad, name+": only "+strings.Join(homes, ", ")+" may import "+imp)
				}
			}
		}
		return nil
	})
	sort.Strings(bad)
	return bad, err
}

func TestImportMap(t *testing.T) {
	bad, err := violations(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		t.Error(b)
	}
}

// TestImportMapFires adds arrows to a copy of the tree and sees each of them refused.
func TestImportMapFires(t *testing.T) {
	for _, test := range []struct{ file, source, want string }{
		{"pkg/layers/new.go", `package layers; import _ "github.com/imgaudit/imgaudit/pkg/audit"`, "pkg/layers/new.go: pkg/layers may not import pkg/audit"},
		{"pkg/rules/new.go", `package rules; import _ "github.com/imgaudit/imgaudit/pkg/report"`, "pkg/rules/new.go: pkg/rules may not import pkg/report"},
		{"pkg/rules/new.go", `package rules; import _ "github.com/moby/buildkit/frontend/dockerfile/parser"`, "pkg/rules/new.go: only pkg/dockerfile may import github.com/moby/buildkit/frontend/dockerfile/parser"},
		{"pkg/audit/new.go", `package audit; import _ "os/exec"`, "pkg/audit/new.go: only pkg/prove, pkg/source may import os/exec"},
		{"pkg/surprise/new.go", `package surprise`, "pkg/surprise/new.go: package pkg/surprise is not in the import map"},
	} {
		bad, err := violations(fstest.MapFS{test.file: {Data: []byte(test.source)}})
		if err != nil {
			t.Fatal(err)
		}
		if len(bad) != 1 || bad[0] != test.want {
			t.Errorf("%s: got %q, want %q", test.file, bad, test.want)
		}
	}
}

// TestFileSize keeps files small: one that grows past 400 lines is two files.
func TestFileSize(t *testing.T) {
	const most = 400
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if n := strings.Count(string(b), "\n"); n > most {
			t.Errorf("%s has %d lines, more than %d", name, n, most)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
