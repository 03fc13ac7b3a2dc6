package target

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
)

// TestTree holds that a tree read through listings is the tree that the system has.
func TestTree(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/b", "a/c/d", "e"} {
		if err := os.MkdirAll(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name+"/file", []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a/c", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	l := newListings()
	tree := newTree(dir, l)
	if err := fstest.TestFS(tree, "a/b/file", "a/c/d/file", "e/file", "link"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]bool{"a": true, "a/b/file": true, "link/d/file": true, "nope": false, "a/nope": false, "link/nope": false, "a/b/file/x": false} {
		_, err := fs.Stat(tree, name)
		if _, err2 := fs.ReadFile(tree, name+"/."); err2 == nil {
			t.Errorf("%s/. is no valid path", name)
		}
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := fs.Stat(tree, "link"); err != nil || !info.IsDir() {
		t.Errorf("link leads to a directory: %v, %v", info, err)
	}
	if info, err := fs.Lstat(tree, "link"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("link is a link: %v, %v", info, err)
	}
	if err := os.Remove(dir + "/e/file"); err != nil {
		t.Fatal(err)
	}
	if entries, err := fs.ReadDir(newTree(dir+"/e", l), "."); err != nil || len(entries) != 1 {
		t.Errorf("another tree reads the directory again: %v, %v", entries, err)
	}
}
