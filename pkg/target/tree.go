package target

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// listings are directories as they were when they were first looked at, so that nobody reads them again: the walk, the
// guess of a build context and the rules all ask for the same. What is not in a listing is not there.
type listings struct {
	mu   sync.Mutex
	dirs map[string][]fs.DirEntry
	room int // entries that may still be kept
}

func newListings() *listings {
	const most = 1 << 20
	return &listings{dirs: map[string][]fs.DirEntry{}, room: most}
}

// read lists a directory.
func (l *listings) read(dir string) ([]fs.DirEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if entries, ok := l.dirs[dir]; ok {
		return entries, nil
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) <= l.room {
		l.room -= len(entries)
		l.dirs[dir] = entries
	}
	return entries, err
}

// tree is a directory as a file system, read through listings. Names that lead through a symbolic link are left to the
// system.
type tree struct {
	system interface {
		fs.StatFS
		fs.ReadFileFS
		fs.ReadDirFS
		fs.ReadLinkFS
	}
	root     string // cleaned
	listings *listings
}

func newTree(root string, l *listings) *tree {
	t := &tree{root: filepath.Clean(root), listings: l}
	t.system = os.DirFS(root).(interface {
		fs.StatFS
		fs.ReadFileFS
		fs.ReadDirFS
		fs.ReadLinkFS
	})
	return t
}

// find looks a name up. known is false if the listings do not tell; entry is nil for the root, and if nothing is there.
func (t *tree) find(name string) (entry fs.DirEntry, known bool) {
	if !fs.ValidPath(name) || name == "." {
		return nil, false
	}
	dir := t.root
	for rest := name; ; {
		entries, err := t.listings.read(dir)
		if err != nil {
			return nil, false
		}
		element, below, more := strings.Cut(rest, "/")
		i, found := slices.BinarySearchFunc(entries, element, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
		switch {
		case !found:
			return nil, true
		case !more:
			return entries[i], true
		case !entries[i].IsDir():
			return nil, false
		}
		dir, rest = filepath.Join(dir, element), below
	}
}

func absent(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	if e, known := t.find(name); known && e == nil {
		return nil, absent("open", name)
	}
	return t.system.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (t *tree) ReadFile(name string) ([]byte, error) {
	if e, known := t.find(name); known && e == nil {
		return nil, absent("open", name)
	}
	return t.system.ReadFile(name)
}

// Stat implements fs.StatFS.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	e, known := t.find(name)
	switch {
	case known && e == nil:
		return nil, absent("stat", name)
	case known && e.Type()&fs.ModeSymlink == 0:
		return e.Info()
	}
	return t.system.Stat(name)
}

// Lstat implements fs.ReadLinkFS.
func (t *tree) Lstat(name string) (fs.FileInfo, error) {
	e, known := t.find(name)
	switch {
	case known && e == nil:
		return nil, absent("lstat", name)
	case known:
		return e.Info()
	}
	return t.system.Lstat(name)
}

// ReadLink implements fs.ReadLinkFS.
func (t *tree) ReadLink(name string) (string, error) { return t.system.ReadLink(name) }

// ReadDir implements fs.ReadDirFS.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	e, known := t.find(name)
	switch {
	case known && e == nil:
		return nil, absent("open", name)
	case name != "." && (!known || !e.IsDir()):
		return t.system.ReadDir(name)
	}
	entries, err := t.listings.read(filepath.Join(t.root, filepath.FromSlash(path.Clean(name))))
	return slices.Clone(entries), err
}
