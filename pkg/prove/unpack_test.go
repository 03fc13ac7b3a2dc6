package prove

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// unpacked reads an image of files from an archive and unpacks it.
func unpacked(t *testing.T, files []layers.File) (root string, took time.Duration) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot give files to others")
	}
	archive := filepath.Join(t.TempDir(), "image.tar")
	imagetest.WriteOCIArchive(t, archive, "", imagetest.Image{Layers: [][]layers.File{files}}.Build(t))
	img, err := layers.Read(t.Context(), layers.OCIArchive, archive, layers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(t.TempDir(), "rootfs")
	began := time.Now()
	if err := unpack(img.FS, root); err != nil {
		t.Fatal(err)
	}
	return root, time.Since(began)
}

func TestUnpack(t *testing.T) {
	root, _ := unpacked(t, []layers.File{
		{Path: "bin/", Mode: fs.ModeDir | 0o700, UID: 5, GID: 6},
		{Path: "bin/su", Mode: fs.ModeSetuid | 0o4755, UID: 7, GID: 8, Data: []byte("su")},
		{Path: "bin/sh", Hardlink: "bin/su"},
		{Path: "link", Link: "/etc/passwd", UID: 9},
		{Path: "tmp/", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "pipe", Mode: fs.ModeNamedPipe | 0o600},
	})
	for name, want := range map[string]struct {
		mode     fs.FileMode
		uid, gid int
	}{
		"bin": {fs.ModeDir | 0o700, 5, 6}, "bin/su": {fs.ModeSetuid | 0o755, 7, 8}, "bin/sh": {fs.ModeSetuid | 0o755, 7, 8}, "link": {fs.ModeSymlink | 0o777, 9, 0},
		"tmp": {fs.ModeDir | fs.ModeSticky | 0o777, 0, 0}, "pipe": {fs.ModeNamedPipe | 0o600, 0, 0},
	} {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			continue
		}
		var s unix.Stat_t
		if err := unix.Lstat(filepath.Join(root, name), &s); err != nil || info.Mode() != want.mode || int(s.Uid) != want.uid || int(s.Gid) != want.gid {
			t.Errorf("%s: %v of %d:%d, want %+v", name, info.Mode(), s.Uid, s.Gid, want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(root, "bin/sh")); err != nil || string(text) != "su" {
		t.Errorf("the hard link has %q, %v", text, err)
	}
}

// TestCapabilities: the capabilities of a file are written as the layer states them. Source: capabilities(7), "File
// capability extended attribute versioning"; linux/capability.h, vfs_cap_data of revision 2.
func TestCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot set capabilities")
	}
	value := "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // cap_net_bind_service=ep
	place := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(place, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	e := &layers.Entry{Path: "/app", Caps: true, Extra: &layers.Extra{Xattrs: []layers.Xattr{{Name: "security.capability", Value: value}}}}
	if err := setAttributes(e, place); err != nil {
		t.Skipf("this file system keeps none: %v", err)
	}
	got := make([]byte, 64)
	n, err := unix.Lgetxattr(place, "security.capability", got)
	if err != nil || string(got[:n]) != value {
		t.Errorf("%q, %v; want %q", got[:n], err, value)
	}
}

// TestUnpackMany: many small files, as those of time zones are, and one with many names, as busybox has.
func TestUnpackMany(t *testing.T) {
	var files []layers.File
	for i := range 1800 {
		files = append(files, layers.File{Path: fmt.Sprintf("usr/share/zoneinfo/%d", i), Data: make([]byte, 1500)})
	}
	files = append(files, layers.File{Path: "bin/busybox", Data: make([]byte, 1<<20), Mode: 0o755})
	for i := range 300 {
		files = append(files, layers.File{Path: fmt.Sprintf("bin/%d", i), Hardlink: "bin/busybox"})
	}
	root, took := unpacked(t, files)
	t.Logf("2101 files in %v", took)
	var one, other unix.Stat_t
	if unix.Lstat(root+"/bin/busybox", &one) != nil || unix.Lstat(root+"/bin/7", &other) != nil || one.Ino != other.Ino {
		t.Errorf("hard links are copies: %d, %d", one.Ino, other.Ino)
	}
}
