package matrix

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
		if p.own {
			v.compile(t, filepath.Join(source, p.name), out, "-mod=vendor", "-tags="+p.tags, ".")
		} else {
			together[p.tags] = append(together[p.tags], "./"+p.name)
		}
	}
	for tags, dirs := range together {
		v.compile(t, source, out, append([]string{"-tags=" + tags}, dirs...)...)
	}
	return out
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
