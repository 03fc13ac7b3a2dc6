package oracle

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// file is one Dockerfile of the corpus.
type file struct {
	name   string
	source []byte
	ignore string
}

var hasFrom = regexp.MustCompile(`(?im)^[ \t]*from[ \t]`)

// corpus is every Dockerfile that is at hand: BuildKit's own, read where the module cache has them, and ours.
func corpus(t testing.TB) []file {
	t.Helper()
	var files []file
	files = append(files, buildkitFiles(t)...)
	files = append(files, ours(t)...)
	if len(files) < 500 {
		t.Fatalf("only %d Dockerfiles found", len(files))
	}
	return files
}

// buildkitFiles are the files of BuildKit's parser tests, and the texts in its frontend tests that have a FROM.
func buildkitFiles(t testing.TB) []file {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/buildkit").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(strings.TrimSpace(string(dir)), "frontend", "dockerfile")
	var files []file
	walk(t, root, func(name string) {
		switch {
		case filepath.Base(name) == "Dockerfile":
			files = append(files, read(t, root, name))
		case strings.HasSuffix(name, "_test.go"):
			files = append(files, literals(t, root, name)...)
		case filepath.Ext(name) == ".md":
			files = append(files, fenced(t, root, name)...)
		}
	})
	return files
}

// ours are the cases of the rules, the good files, the Dockerfiles of testdata and docs.
func ours(t testing.TB) []file {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var files []file
	walk(t, root, func(name string) {
		base := filepath.Base(name)
		switch {
		case filepath.Ext(name) == ".txtar":
			files = append(files, archive(t, root, name)...)
		case base == "Dockerfile" || filepath.Ext(name) == ".Dockerfile" || strings.HasPrefix(base, "Dockerfile."):
			files = append(files, read(t, root, name))
		case strings.HasSuffix(name, "_test.go"):
			files = append(files, literals(t, root, name)...)
		}
	})
	return files
}

func walk(t testing.TB, root string, f func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if err == nil && d.Type().IsRegular() {
			f(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, root, name string) file {
	t.Helper()
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	short, err := filepath.Rel(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return file{name: short, source: source}
}

// archive gives the Dockerfiles of a txtar archive.
func archive(t testing.TB, root, name string) []file {
	t.Helper()
	text := read(t, root, name)
	var files []file
	ignore := ""
	for _, f := range txtar.Parse(text.source).Files {
		if filepath.Base(f.Name) == ".dockerignore" {
			ignore = string(f.Data)
		}
	}
	for _, f := range txtar.Parse(text.source).Files {
		if strings.Contains(f.Name, "Dockerfile") && hasFrom.Match(f.Data) {
			files = append(files, file{text.name + "/" + f.Name, f.Data, ignore})
		}
	}
	return files
}

// literals gives the string literals of a Go file that look like Dockerfiles.
func literals(t testing.TB, root, name string) []file {
	t.Helper()
	source := read(t, root, name)
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, source.source, parser.SkipObjectResolution)
	if err != nil {
		return nil // not for this version of Go
	}
	var files []file
	ast.Inspect(tree, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err == nil && hasFrom.MatchString(text) && strings.Contains(text, "\n") {
			files = append(files, file{name: fmt.Sprintf("%s:%d", source.name, fset.Position(lit.Pos()).Line), source: []byte(text)})
		}
		return true
	})
	return files
}

// fenced gives the Dockerfiles in a Markdown page.
func fenced(t testing.TB, root, name string) []file {
	t.Helper()
	page := read(t, root, name)
	var files []file
	for k, block := range bytes.Split(page.source, []byte("```")) {
		_, body, _ := bytes.Cut(block, []byte("\n"))
		if k%2 == 1 && hasFrom.Match(body) {
			files = append(files, file{name: fmt.Sprintf("%s#%d", page.name, k/2), source: body})
		}
	}
	return files
}
