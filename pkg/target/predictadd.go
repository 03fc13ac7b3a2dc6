package target

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// linkable says whether --link comes to the same: it copies into an empty tree, which then lies over the stage, so that
// it follows no links of the stage and restates the directories above.
func (w *copying) linkable(c *dockerfile.Copy) error {
	real, err := rootPath(w.dst, c.Dest)
	if err != nil || real != c.Dest || w.owner != nil && !isRootOwner(w.owner) || w.mode != nil {
		return errors.New("--link is not foretold here")
	}
	for dir := c.Dest; dir != "/"; dir = path.Dir(dir) {
		e, ok := w.dst.Entry(dir)
		if !ok {
			continue
		}
		if dir == c.Dest && !c.DestDir || e.Mode != fs.ModeDir|0o755 || e.UID != 0 || e.GID != 0 {
			return errors.New("--link is not foretold where there is a " + dir)
		}
	}
	return nil
}

// hasFlag reports whether an instruction has a flag that is not switched off.
func hasFlag(in *dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(in.Flags, func(f dockerfile.Flag) bool { return f.Name == name && !strings.EqualFold(f.Value, "false") })
}

func isRootOwner(o *owner) bool { return o.uid == 0 && o.gid == 0 }

// isArchive reports whether ADD unpacks a file: a tar, compressed or not. Source: isArchivePath in
// solver/llbsolver/file/unpack.go.
func isArchive(src *layers.FS, name string) bool {
	f, err := src.Open(orDot(strings.TrimPrefix(name, "/")))
	if err != nil {
		return false
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return false
	}
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	for _, magic := range []string{"\x1f\x8b", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	_, err = tar.NewReader(bytes.NewReader(head)).Next()
	return n >= 512 && err == nil
}

func isRemote(source string) bool {
	return slices.ContainsFunc([]string{"http://", "https://", "git://", "ssh://", "git@"}, func(p string) bool { return strings.HasPrefix(source, p) })
}

func orDot(name string) string {
	if name == "" {
		return "."
	}
	return name
}
