package prove

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// unpack writes the merged tree of an image into a new directory, with owners, modes and links, as a run-time does. The
// image is hostile: nothing is written through a link, for every path is made anew in the order of the tree.
func unpack(tree *layers.FS, root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	return tree.Walk(func(e *layers.Entry) error {
		if e.Caps {
			return fmt.Errorf("%s has file capabilities, which only an engine's own storage keeps", e.Path)
		}
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
			if err := copyOut(tree, e, place); err != nil {
				return err
			}
		default:
			return nil // devices and sockets are the run-time's to give
		}
		if err := os.Chown(place, e.UID, e.GID); err != nil {
			return err
		}
		return os.Chmod(place, e.Mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
	})
}

func copyOut(tree *layers.FS, e *layers.Entry, place string) error {
	in, err := tree.Open(strings.TrimPrefix(e.Path, "/"))
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
