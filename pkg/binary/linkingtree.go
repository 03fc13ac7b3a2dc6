package binary

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

const (
	maxPath    = 4096      // bytes of a path. Source: Linux, PATH_MAX
	maxHops    = 40        // symlinks in one lookup. Source: Linux, MAXSYMLINKS
	maxLibrary = 256 << 20 // bytes held of a library whose file cannot be read at an offset
	maxLoader  = 8 << 20   // bytes of a loader that are searched for what is compiled into it
	maxConfig  = 16 << 20  // bytes of ld.so.cache and other files of the loader
)

// The ways in which a path leads to no file that can be read. The first two are fs.ErrNotExist as well.
var (
	errLoop         = fmt.Errorf("%w: too many symlinks", fs.ErrNotExist)                      // ELOOP
	errNotDirectory = fmt.Errorf("%w: a file stands where a directory should", fs.ErrNotExist) // ENOTDIR
	errNotRegular   = errors.New("not a regular file")                                         // a directory or a device
)

// tree is an image's file system with symlinks followed inside it, as after chroot.
type tree struct {
	fs    fs.FS
	links fs.ReadLinkFS     // nil if the file system cannot tell links; it follows them itself then
	dirs  map[string]string // directories already followed

	lookups int // paths opened and libraries asked for so far
	steps   int // path elements looked at
}

func newTree(root fs.FS) *tree {
	t := &tree{fs: root, dirs: map[string]string{".": "."}}
	t.links, _ = root.(fs.ReadLinkFS)
	return t
}

// file is an open file of the tree.
type file struct {
	io.ReaderAt
	real  string // its path without a leading slash, symlinks followed
	size  int64
	mode  fs.FileMode
	close func() error
}

// real follows the symlinks of a path; a relative one starts at the root. The result has no leading slash. A path
// that does not lead to a file is fs.ErrNotExist.
func (t *tree) real(name string) (string, error) {
	if strings.IndexByte(name, 0) >= 0 || len(name) > maxPath {
		return "", fs.ErrNotExist
	}
	if t.links == nil {
		return unrooted(name), nil
	}
	hops := 0
	return t.follow(".", name, &hops)
}

// unrooted returns the path as io/fs wants it.
func unrooted(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "."
	}
	return name
}

// follow walks name from the directory dir, which has no links in it.
func (t *tree) follow(dir, name string, hops *int) (string, error) {
	if strings.HasPrefix(name, "/") {
		dir = "."
	}
	rest := name
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			dir = path.Dir(dir)
			continue
		}
		next := path.Join(dir, part)
		if known, ok := t.dirs[next]; ok {
			dir = known
			continue
		}
		if t.steps++; t.steps > maxSteps {
			return "", errLimit
		}
		info, err := t.links.Lstat(next)
		if err != nil {
			return "", absent(err)
		}
		real := next
		if info.Mode()&fs.ModeSymlink != 0 {
			if *hops++; *hops > maxHops {
				return "", errLoop
			}
			target, err := t.links.ReadLink(next)
			if err != nil {
				return "", absent(err)
			}
			if real, err = t.follow(dir, target, hops); err != nil {
				return "", err
			}
			if info, err = t.links.Lstat(real); err != nil {
				return "", absent(err)
			}
		}
		if rest != "" {
			if !info.IsDir() {
				return "", errNotDirectory
			}
			t.dirs[next] = real
		}
		dir = real
	}
	return dir, nil
}

// absent turns the operating system's errors that mean "there is no such file" into fs.ErrNotExist.
func absent(err error) error {
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return errNotDirectory
	case errors.Is(err, syscall.ELOOP):
		return errLoop
	case errors.Is(err, fs.ErrInvalid), errors.Is(err, syscall.ENAMETOOLONG):
		return fs.ErrNotExist
	}
	return err
}

// open opens a regular file. errors.Is tells fs.ErrNotExist and errNotRegular.
func (t *tree) open(name string) (*file, error) {
	if t.lookups++; t.lookups > maxLookups {
		return nil, errLimit
	}
	real, err := t.real(name)
	if err != nil {
		return nil, err
	}
	f, err := t.fs.Open(real)
	if err != nil {
		return nil, absent(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	out := &file{real: real, size: info.Size(), mode: info.Mode(), close: f.Close}
	if r, ok := f.(io.ReaderAt); ok {
		out.ReaderAt = r
		return out, nil
	}
	b, err := readAtMost(f, maxLibrary)
	if err != nil {
		f.Close()
		return nil, err
	}
	out.ReaderAt, out.size = bytes.NewReader(b), int64(len(b))
	return out, nil
}

// readAtMost reads all of r, an error if that is more than limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}

// config reads a small file of the loader.
func (t *tree) config(name string) ([]byte, error) {
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer f.close()
	return readAtMost(io.NewSectionReader(f, 0, f.size), maxConfig)
}

// isDir says whether a directory is there.
func (t *tree) isDir(name string) bool {
	real, err := t.real(name)
	if err != nil {
		return false
	}
	info, err := fs.Stat(t.fs, real)
	return err == nil && info.IsDir()
}
