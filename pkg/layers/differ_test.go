package layers_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// The judges of a merge are programs that unpack images for a living. They disagree on some images, and no single one of
// them can be right on all:
//
//   - buildah unpacks each layer on its own and mounts them over each other with overlayfs, as containerd, Docker and
//     Podman do. This is what runs, so it is what imgaudit follows wherever it accepts an image.
//   - umoci unpacks layer after layer into one directory. It alone takes a hard link to a file of a lower layer, which
//     the specification allows; there imgaudit follows umoci. In one directory, a parent that is a symlink of a lower layer is
//     followed; in an overlay it is replaced by a directory, and imgaudit follows the overlay.
type judge struct {
	name   string
	unpack func(t *testing.T, layout string) (root string, err error)
}

func judges(t *testing.T) map[string]judge {
	t.Helper()
	needRoot(t)
	return map[string]judge{"overlay": {"buildah", mountWithBuildah}, "umoci": {"umoci", unpackWithUmoci}}
}

// mountWithBuildah mounts an image with overlayfs.
func mountWithBuildah(t *testing.T, layout string) (string, error) {
	dir := plainDir(t)
	storage := []string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "overlay"}
	run := func(args ...string) (string, error) {
		out, err := exec.Command("buildah", append(storage[:len(storage):len(storage)], args...)...).CombinedOutput()
		if strings.Contains(string(out), "does not support overlay") {
			t.Skip("no overlayfs here")
		}
		if err != nil {
			err = fmt.Errorf("buildah %s: %w\n%s", args[0], err, out)
		}
		return strings.TrimSpace(string(out)), err
	}
	id, err := run("from", "-q", "oci:"+layout+":1")
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { _, _ = run("umount", id); _, _ = run("rm", id) })
	return run("mount", id)
}

// unpackWithUmoci unpacks an image into a directory.
func unpackWithUmoci(t *testing.T, layout string) (string, error) {
	bundle := filepath.Join(plainDir(t), "bundle")
	if out, err := exec.Command("umoci", "unpack", "--image", layout+":1", bundle).CombinedOutput(); err != nil {
		return "", fmt.Errorf("umoci unpack: %w\n%s", err, out)
	}
	return filepath.Join(bundle, "rootfs"), nil
}

// plainDir is a temporary directory without the characters that overlayfs and buildah dislike in t.TempDir's.
func plainDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "differ")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// available skips a test whose judge is not installed.
func (j judge) available(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(j.name); err != nil {
		t.Skipf("no %s: nobody to compare with", j.name)
	}
}

// view is what can be seen at one path.
type view struct {
	mode     fs.FileMode
	uid, gid int
	size     int64
	link     string
	sum      [32]byte
	same     string // the first name of a file of several names
	caps     bool
	extra    string // extended attributes, numbers of a device
}

func (v view) String() string {
	return fmt.Sprintf("%v %d:%d %d bytes %.6x link %q same %q caps %v %s", v.mode, v.uid, v.gid, v.size, v.sum, v.link, v.same, v.caps, v.extra)
}

// seen lists the tree that imgaudit merged, without its root.
func seen(t *testing.T, f *layers.FS) map[string]view {
	t.Helper()
	views, names := map[string]view{}, layers.Same(f)
	check(t, f.Walk(func(e *layers.Entry) error {
		if e.Path == "/" {
			return nil
		}
		v := view{mode: e.Mode, uid: e.UID, gid: e.GID, link: e.Link, caps: e.Caps}
		if x := e.Extra; x != nil {
			for _, a := range x.Xattrs {
				v.extra += fmt.Sprintf("%s=%q ", a.Name, a.Value)
			}
			if e.Mode&fs.ModeDevice != 0 {
				v.extra += fmt.Sprintf("%d:%d", x.Major, x.Minor)
			}
		}
		if e.Mode.IsRegular() {
			data, err := f.ReadFile(e.Path[1:])
			check(t, err)
			v.size, v.sum, v.same = e.Size, sha256.Sum256(data), names[e.Path]
		}
		views[e.Path] = v
		return nil
	}))
	return alone(views)
}

// alone forgets the first name of what has no second.
func alone(views map[string]view) map[string]view {
	count := map[string]int{}
	for _, v := range views {
		count[v.same]++
	}
	for p, v := range views {
		if count[v.same] == 1 {
			v.same = ""
		}
		views[p] = v
	}
	return views
}

// unpacked lists a directory, without its root.
func unpacked(t *testing.T, root string) map[string]view {
	t.Helper()
	views, first := map[string]view{}, map[[2]uint64]string{}
	eachFile(t, root, func(path string, info fs.FileInfo) {
		v := view{mode: info.Mode()}
		v.uid, v.gid = owner(info)
		v.link, _ = os.Readlink(path)
		if info.Mode()&fs.ModeSymlink != 0 {
			v.mode = fs.ModeSymlink | 0o777
		}
		v.extra = attributes(t, path)
		if info.Mode()&fs.ModeDevice != 0 {
			dev := info.Sys().(*syscall.Stat_t).Rdev
			v.extra += fmt.Sprintf("%d:%d", dev>>8&0xfff, dev&0xff|dev>>12&^0xff) // makedev(3) of 32 bits
		}
		if info.Mode().IsRegular() {
			v.size, v.sum = info.Size(), sha256.Sum256(readFile(t, path))
			v.caps = xattr(path, "security.capability")
			if stat := info.Sys().(*syscall.Stat_t); stat.Nlink > 1 {
				id := [2]uint64{stat.Dev, stat.Ino}
				if first[id] == "" {
					first[id] = strings.TrimPrefix(path, root)
				}
				v.same = first[id]
			}
		}
		views[strings.TrimPrefix(path, root)] = v
	})
	return alone(views)
}

func xattr(path, name string) bool {
	n, err := syscall.Getxattr(path, name, make([]byte, 256))
	return err == nil && n > 0
}

// attributes are the extended attributes of what is not a symlink.
func attributes(t *testing.T, path string) (text string) {
	t.Helper()
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return ""
	}
	names := make([]byte, 4096)
	n, err := syscall.Listxattr(path, names)
	check(t, err)
	list := strings.FieldsFunc(string(names[:n]), func(c rune) bool { return c == 0 })
	sort.Strings(list)
	for _, name := range list {
		value := make([]byte, 4096)
		n, err := syscall.Getxattr(path, name, value)
		check(t, err)
		text += fmt.Sprintf("%s=%q ", name, value[:n])
	}
	return text
}

// difference lists the paths at which two trees differ.
func difference(theirs, ours map[string]view) string {
	var lines []string
	for p, v := range theirs {
		if w, ok := ours[p]; !ok {
			lines = append(lines, fmt.Sprintf("%s\n\tunpacked %v\n\tmerged   absent", p, v))
		} else if v != w {
			lines = append(lines, fmt.Sprintf("%s\n\tunpacked %v\n\tmerged   %v", p, v, w))
		}
	}
	for p, w := range ours {
		if _, ok := theirs[p]; !ok {
			lines = append(lines, fmt.Sprintf("%s\n\tunpacked absent\n\tmerged   %v", p, w))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// try has a judge unpack an image and says how imgaudit's tree differs; err is the judge's refusal.
func (j judge) try(t *testing.T, raw ...[]byte) (diff string, err error) {
	t.Helper()
	img := imagetest.Image{Layers: make([][]layers.File, len(raw)), Raw: map[int][]byte{}, Packing: map[int]imagetest.Packing{}}
	for i, tar := range raw {
		img.Raw[i], img.Packing[i] = tar, imagetest.Packing(i%3)
		if img.Packing[i] == imagetest.Zstd && j.name == "umoci" {
			img.Packing[i] = imagetest.Gzip // umoci 0.4 knows no zstd
		}
	}
	layout := filepath.Join(plainDir(t), "oci")
	imagetest.WriteLayout(t, layout, "1", img.Build(t))
	root, err := j.unpack(t, layout)
	if err != nil {
		return "", err
	}
	read, err := layers.Read(t.Context(), layers.OCILayout, layout, layers.Options{})
	check(t, err)
	if read.FS == nil {
		t.Fatalf("%s unpacks it, imgaudit does not: %+v", j.name, read.Unread)
	}
	return difference(unpacked(t, root), seen(t, read.FS)), nil
}
