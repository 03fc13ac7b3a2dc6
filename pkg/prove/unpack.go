package prove

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// unpack writes the merged tree of an image into a new directory, with owners, modes and links, as a run-time does. The
// image is hostile: nothing is written through a link, for every path is made anew in the order of the tree.
func unpack(tree *layers.FS, root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	first := map[string]string{} // origin -> place: one file of the image may have several names
	return tree.Walk(func(e *layers.Entry) error {
		place := filepath.Join(root, e.Path)
		switch {
		case e.Path == "/":
		case e.Mode.IsDir():
			if err := os.Mkdir(place, 0o700); err != nil {
				return err
			}
		case e.Mode&fs.ModeSymlink != 0:
			if err := os.Symlink(e.Link, place); err != nil {
				return err
			}
			return os.Lchown(place, e.UID, e.GID)
		case e.Mode.IsRegular():
			if origin := tree.Origin(e.Path); first[origin] != "" {
				return os.Link(first[origin], place)
			} else if origin != "" {
				first[origin] = place
			}
			if err := copyOut(tree, e, place); err != nil {
				return err
			}
		case strings.HasPrefix(e.Path, "/dev/") || e.Mode&fs.ModeSocket != 0:
			return nil // the run-time has its own /dev; a socket is a process' to make
		default:
			if err := makeNode(e, place); err != nil {
				return err
			}
		}
		if err := os.Chown(place, e.UID, e.GID); err != nil {
			return err
		}
		if err := os.Chmod(place, e.Mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
			return err
		}
		return setAttributes(e, place) // after the owner: a change of it takes the capabilities away
	})
}

// makeNode makes a pipe or a device. Source: mknod(2).
func makeNode(e *layers.Entry, place string) error {
	kind, device := uint32(unix.S_IFIFO), 0
	if e.Mode&fs.ModeDevice != 0 {
		kind = unix.S_IFBLK
		if e.Mode&fs.ModeCharDevice != 0 {
			kind = unix.S_IFCHR
		}
		if x := e.Extra; x != nil {
			device = int(unix.Mkdev(uint32(x.Major), uint32(x.Minor)))
		}
	}
	if err := unix.Mknod(place, kind|0o600, device); err != nil {
		return fmt.Errorf("making the device or pipe %q: %w", e.Path, err)
	}
	return nil
}

// setAttributes sets the extended attributes that change what a program may do, the file's capabilities among them; labels
// for a security module are the run-time's to give.
func setAttributes(e *layers.Entry, place string) error {
	if e.Extra == nil {
		return nil
	}
	for _, a := range e.Extra.Xattrs {
		if a.Name == "security.selinux" {
			continue
		}
		if err := unix.Lsetxattr(place, a.Name, []byte(a.Value), 0); err != nil {
			return fmt.Errorf("setting %s of %q: %w", a.Name, e.Path, err)
		}
	}
	return nil
}

func copyOut(tree *layers.FS, e *layers.Entry, place string) error {
	in, err := tree.OpenOnce(strings.TrimPrefix(e.Path, "/"))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, io.LimitReader(in, e.Size)); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
