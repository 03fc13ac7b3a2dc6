//go:build unix

package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/repair"
)

// lay writes a file of a mode and gives its path.
func lay(t *testing.T, text string, mode fs.FileMode) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "Dockerfile")
	check(t, os.WriteFile(name, []byte(text), 0o600))
	check(t, os.Chmod(name, mode))
	return name
}

// alone fails if a directory holds anything but these.
func alone(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", dir, names, want)
	}
}

func holds(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	check(t, err)
	if !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func TestReplaceFile(t *testing.T) {
	t.Run("mode and owner stay", func(t *testing.T) {
		name := lay(t, "old", 0o640)
		owned := os.Geteuid() == 0
		if owned {
			check(t, os.Chown(name, 12, 34))
		}
		check(t, replaceFile(repair.File{Path: name, Before: []byte("old"), After: []byte("new")}))
		holds(t, name, "new")
		info, err := os.Stat(name)
		check(t, err)
		if info.Mode() != 0o640 {
			t.Errorf("mode %v", info.Mode())
		}
		if st := info.Sys().(*syscall.Stat_t); owned && (st.Uid != 12 || st.Gid != 34) {
			t.Errorf("owner %d:%d", st.Uid, st.Gid)
		}
		alone(t, filepath.Dir(name), "Dockerfile")
	})
	t.Run("links stay links", func(t *testing.T) {
		name := lay(t, "old", 0o644)
		dir := t.TempDir()
		link := filepath.Join(dir, "Dockerfile")
		check(t, os.Symlink(name, link))
		check(t, replaceFile(repair.File{Path: link, Before: []byte("old"), After: []byte("new")}))
		holds(t, name, "new")
		if to, err := os.Readlink(link); err != nil || to != name {
			t.Errorf("the link leads to %q, %v", to, err)
		}
		alone(t, dir, "Dockerfile")
		alone(t, filepath.Dir(name), "Dockerfile")
	})
	t.Run("changed meanwhile", func(t *testing.T) {
		name := lay(t, "newer", 0o644)
		err := replaceFile(repair.File{Path: name, Before: []byte("old"), After: []byte("new")})
		if err == nil || err.Error() != "writing "+name+": it has changed since it was read; run again" {
			t.Errorf("got %v", err)
		}
		holds(t, name, "newer")
		alone(t, filepath.Dir(name), "Dockerfile")
	})
	t.Run("read-only", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write to every file")
		}
		name := lay(t, "old", 0o444)
		if err := replaceFile(repair.File{Path: name, Before: []byte("old"), After: []byte("new")}); err == nil {
			t.Error("a read-only file was replaced")
		}
		holds(t, name, "old")
	})
	t.Run("gone", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "Dockerfile")
		if err := replaceFile(repair.File{Path: name, Before: []byte("old"), After: []byte("new")}); err == nil {
			t.Error("no error")
		}
		alone(t, filepath.Dir(name))
	})
	t.Run("new", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), ".dockerignore")
		check(t, replaceFile(repair.File{Path: name, After: []byte(".git\n"), New: true}))
		holds(t, name, ".git\n")
		info, err := os.Stat(name)
		check(t, err)
		if info.Mode() != 0o644 {
			t.Errorf("mode %v", info.Mode())
		}
		if err := replaceFile(repair.File{Path: name, After: []byte(".env\n"), New: true}); err == nil {
			t.Error("a file that came meanwhile was replaced")
		}
		holds(t, name, ".git\n")
		alone(t, filepath.Dir(name), ".dockerignore")
	})
}
