package matrix

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// goMod is the module of all programs that are none of their own; 1.18 is the first with generics, and what every older
// toolchain still reads.
const goMod = "module example.com/matrix\n\ngo 1.18\n"

// writeSources puts the programs where they always are, so that the compiler's cache knows them.
func writeSources(t *testing.T, programs []*program) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "imgaudit-matrix", "src")
	write(t, filepath.Join(dir, "go.mod"), []byte(goMod))
	for _, p := range programs {
		for _, f := range p.files {
			write(t, filepath.Join(dir, p.name, f.Name), f.Data)
		}
	}
	return dir
}

// write writes a file that is not there with these contents.
func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data) {
		return
	}
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// build builds programs, those with the same tags by one command.
func (v variant) build(t *testing.T, source string, programs []*program) string {
	t.Helper()
	out := t.TempDir() + string(filepath.Separator)
	together := map[string][]string{}
	for _, p := range programs {
		switch dir := filepath.Join(source, p.name); {
		case p.vendors():
			v.compile(t, dir, out, "-mod=vendor", "-tags="+p.tags, ".")
		case p.own:
			if !v.hasModules(t, dir) {
				t.Logf("%s: its modules are not in the module cache (IMGAUDIT_MATRIX=all downloads them)", p.name)
				continue
			}
			v.compile(t, dir, out, "-mod=readonly", "-tags="+p.tags, ".")
		default:
			together[p.tags] = append(together[p.tags], "./"+p.name)
		}
	}
	for tags, dirs := range together {
		v.compile(t, source, out, append([]string{"-tags=" + tags}, dirs...)...)
	}
	return out
}

// vendors says whether a program brings the modules that it needs.
func (p *program) vendors() bool {
	return slices.ContainsFunc(p.files, func(f txtar.File) bool { return f.Name == "vendor/modules.txt" })
}

// hasModules says whether the modules of a program are in the module cache; only a full run downloads them.
func (v variant) hasModules(t *testing.T, dir string) bool {
	t.Helper()
	c := exec.Command("go", "list", "-deps", ".")
	c.Dir, c.Env = dir, v.environ()
	if !full() {
		c.Env = append(c.Env, "GOPROXY=off")
	}
	return c.Run() == nil
}

func (v variant) compile(t *testing.T, dir, out string, args ...string) {
	t.Helper()
	args = append(append([]string{"build", "-p=2", "-o", out}, v.args...), args...)
	c := exec.Command("go", args...)
	c.Dir, c.Env = dir, v.environ()
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, text)
	}
}
