package repair

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// overlay is a build context with some files changed or added. They stand in directories that the base has.
type overlay struct {
	fs.FS
	files map[string][]byte
}

// base is what lies below an overlay: a second one takes the place of the first.
func base(f fs.FS) fs.FS {
	if o, ok := f.(*overlay); ok {
		return o.FS
	}
	return f
}

func (o *overlay) Open(name string) (fs.File, error) {
	if text, ok := o.files[name]; ok {
		return &file{Reader: bytes.NewReader(text), info: info{path.Base(name), int64(len(text))}}, nil
	}
	return o.FS.Open(name)
}

func (o *overlay) Lstat(name string) (fs.FileInfo, error) {
	if text, ok := o.files[name]; ok {
		return info{path.Base(name), int64(len(text))}, nil
	}
	return fs.Lstat(o.FS, name)
}

func (o *overlay) ReadLink(name string) (string, error) {
	if _, ok := o.files[name]; ok {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return fs.ReadLink(o.FS, name)
}

func (o *overlay) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, dir)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool {
		_, changed := o.files[path.Join(dir, e.Name())]
		return changed
	})
	for name, text := range o.files {
		if path.Dir(name) == dir {
			entries = append(entries, fs.FileInfoToDirEntry(info{path.Base(name), int64(len(text))}))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// file is an open file of an overlay.
type file struct {
	*bytes.Reader
	info info
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// info describes a file of an overlay.
type info struct {
	name string
	size int64
}

func (i info) Name() string     { return i.name }
func (i info) Size() int64      { return i.size }
func (info) Mode() fs.FileMode  { return 0o644 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (info) Sys() any           { return nil }
