package layers

import (
	"io"
	"io/fs"
	"path"
	"syscall"
	"time"
)

// Interfaces that FS promises.
var (
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.ReadLinkFS = (*FS)(nil)
)

// Open opens a file or directory, following symlinks. A regular file also implements io.ReaderAt and io.Seeker.
// Bytes that were not kept are read again from the image's layer, which is slow for a compressed one and fails when
// the source is gone. Devices, pipes and sockets open and read as errors.
func (f *FS) Open(name string) (fs.File, error) {
	return f.open(name, func(c content, size int64) (readAtCloser, error) { return c.open(size) })
}

// open opens a file whose contents it gets from bytes.
func (f *FS) open(name string, bytes func(content, int64) (readAtCloser, error)) (fs.File, error) {
	n, err := f.at("open", name, true)
	if err != nil {
		return nil, err
	}
	info := fileInfo{name: path.Base(name), entry: &n.entry}
	switch {
	case n.isDir():
		return &openDir{info: info, path: name, entries: dirEntries(n)}, nil
	case !n.entry.Mode.IsRegular():
		return &openSpecial{info: info, path: name}, nil
	}
	src, err := bytes(n.content, n.entry.Size)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{info: info, SectionReader: io.NewSectionReader(src, 0, n.entry.Size), src: src}, nil
}

// Stat describes a file, following symlinks.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat describes a file without following a symlink at its end.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

func (f *FS) stat(op, name string, last bool) (fs.FileInfo, error) {
	n, err := f.at(op, name, last)
	if err != nil {
		return nil, err
	}
	return fileInfo{name: path.Base(name), entry: &n.entry}, nil
}

// ReadLink returns the target of a symlink as written.
func (f *FS) ReadLink(name string) (string, error) {
	n, err := f.at("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.entry.Mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return n.entry.Link, nil
}

// ReadDir lists a directory in order of names.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.at("open", name, true)
	if err != nil {
		return nil, err
	}
	if !n.isDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	return dirEntries(n), nil
}

// ReadFile returns the bytes of a file of at most 1 GiB.
func (f *FS) ReadFile(name string) ([]byte, error) {
	n, err := f.at("open", name, true)
	if err != nil {
		return nil, err
	}
	b, err := n.read(maxReadFile)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return b, nil
}

// read returns the bytes of a regular file of at most limit bytes.
func (n *node) read(limit int64) ([]byte, error) {
	switch {
	case n.isDir():
		return nil, syscall.EISDIR
	case !n.entry.Mode.IsRegular():
		return nil, fs.ErrInvalid
	case n.entry.Size > limit:
		return nil, limitError("file", limit, "bytes")
	}
	src, err := n.content.open(n.entry.Size)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	b := make([]byte, n.entry.Size)
	if _, err := io.ReadFull(io.NewSectionReader(src, 0, n.entry.Size), b); err != nil {
		return nil, err
	}
	return b, nil
}

func (f *FS) at(op, name string, last bool) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, _, err := f.tree.follow(name, last, nil)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return n, nil
}

func dirEntries(n *node) []fs.DirEntry {
	list := make([]fs.DirEntry, 0, n.children.count)
	for _, child := range n.children.all() {
		list = append(list, fs.FileInfoToDirEntry(fileInfo{name: child.name(), entry: &child.entry}))
	}
	return list
}

// fileInfo is the fs.FileInfo of an entry. Modification times are not kept: the zero time.
type fileInfo struct {
	name  string
	entry *Entry
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.entry.Size }
func (i fileInfo) Mode() fs.FileMode  { return i.entry.Mode }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.entry.Mode.IsDir() }
func (i fileInfo) Sys() any           { e := *i.entry; return &e }

// openFile is an open regular file.
type openFile struct {
	*io.SectionReader
	info fileInfo
	src  readAtCloser
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return f.src.Close() }

// openSpecial is an open device, pipe or socket: it has no bytes of the image.
type openSpecial struct {
	info fileInfo
	path string
}

func (f *openSpecial) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openSpecial) Close() error               { return nil }
func (f *openSpecial) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.path, Err: fs.ErrInvalid}
}

// openDir is an open directory.
type openDir struct {
	info    fileInfo
	path    string
	entries []fs.DirEntry
	next    int
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: syscall.EISDIR}
}

// ReadDir is fs.ReadDirFile's.
func (d *openDir) ReadDir(count int) ([]fs.DirEntry, error) {
	rest := d.entries[d.next:]
	if count > 0 && len(rest) == 0 {
		return nil, io.EOF
	}
	if count > 0 && count < len(rest) {
		rest = rest[:count]
	}
	d.next += len(rest)
	return rest, nil
}
