package layers_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// TestMergeAsAnEngine lets buildah unpack and mount images with overlayfs and compares every path with the merged
// tree: type, permissions, owner and contents. "/" is left out, which engines make themselves.
func TestMergeAsAnEngine(t *testing.T) {
	needRoot(t)
	buildah, err := exec.LookPath("buildah")
	if err != nil {
		t.Skip("no buildah: cannot compare with an engine")
	}
	base := []layers.File{link("lib", "usr/lib"), file("usr/lib/y", "1"), file("etc/a", "1"), file("etc/d/x", "1"), file("w/x", "1"),
		file("opq/a", "1"), file("f", "1"), {Path: "suid", Mode: 0o755 | fs.ModeSetuid, UID: 3, GID: 4}, {Path: "t/", Mode: fs.ModeDir | fs.ModeSticky | 0o777}}
	for name, stack := range map[string][][]layers.File{
		"much at once": {base,
			{file("lib/x", "2"), {Path: "etc/.wh.a"}, file("opq/new", "2"), {Path: "opq/.wh..wh..opq"}, file("opq/later", "2"), file("f/g", "2"), {Path: ".wh.w"}},
			{file("f", "3"), file("w/y", "3"), {Path: "etc/d/", Mode: fs.ModeDir | 0o700, UID: 9}, {Path: "a", Hardlink: "f"}, {Path: ".wh.t"}}},
		"a link of a lower layer is replaced by a directory":          {base, {{Path: "lib/"}, file("lib/z", "2")}},
		"a whiteout makes its parents":                                {base, {{Path: "new/x/.wh.nothing"}}},
		"a whiteout and the same name":                                {base, {{Path: "etc/.wh.a"}, file("etc/a", "2")}},
		"the last of two, a directory then a file":                    {base, {file("n/m", "1"), file("n", "2")}},
		"an entry for the root":                                       {base, {{Path: "./", Mode: fs.ModeDir | 0o700}, file("./q", "2"), file("/r", "2")}},
		"a directory that takes the place of a file below, and files": {base, {file("etc/a/b/c", "2")}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "unpack") // overlayfs and buildah dislike the characters of t.TempDir
			check(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			run := func(args ...string) string {
				t.Helper()
				all := append([]string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "overlay"}, args...)
				out, err := exec.Command(buildah, all...).CombinedOutput()
				if strings.Contains(string(out), "does not support overlay") {
					t.Skip("no overlayfs here")
				}
				if err != nil {
					t.Fatalf("buildah %s: %v\n%s", args[0], err, out)
				}
				return strings.TrimSpace(string(out))
			}
			imagetest.WriteLayout(t, filepath.Join(dir, "oci"), "1", imagetest.Image{Layers: stack}.Build(t))
			id := run("from", "-q", "oci:"+filepath.Join(dir, "oci")+":1")
			root := run("mount", id)
			t.Cleanup(func() { run("umount", id); run("rm", id) })
			if got, want := onDisk(t, root), inTree(t, tree(t, stack...)); got != want {
				t.Errorf("engine\n%simgaudit\n%s", got, want)
			}
		})
	}
}

// inTree lists a tree as onDisk does.
func inTree(t *testing.T, f *layers.FS) string {
	t.Helper()
	var b strings.Builder
	check(t, f.Walk(func(e *layers.Entry) error {
		if e.Path != "/" {
			data, _ := f.ReadFile(e.Path[1:])
			describe(&b, e.Path, e.Mode, e.UID, e.GID, e.Link, data)
		}
		return nil
	}))
	return b.String()
}

func describe(b *strings.Builder, path string, mode fs.FileMode, uid, gid int, link string, data []byte) {
	if !mode.IsRegular() {
		data = nil
	}
	fmt.Fprintf(b, "%s %v %d:%d %s%s\n", path, mode, uid, gid, link, data)
}

// onDisk lists a directory.
func onDisk(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	eachFile(t, root, func(path string, info fs.FileInfo) {
		var data []byte
		if info.Mode().IsRegular() {
			data = readFile(t, path)
		}
		to, _ := os.Readlink(path)
		uid, gid := owner(info)
		describe(&b, strings.TrimPrefix(path, root), info.Mode(), uid, gid, to, data)
	})
	return b.String()
}

// eachFile visits what is below a directory.
func eachFile(t *testing.T, root string, visit func(path string, info fs.FileInfo)) {
	t.Helper()
	check(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // overlayfs lists, but does not have, a whiteout in a directory of one layer only
		}
		check(t, err)
		visit(path, info)
		return nil
	}))
}
