package layers

import (
	"io/fs"
	"path"
	"sort"
)

// Entry returns what stands at a rooted path, following no symlink; false if nothing does.
// The entry must not be changed.
func (f *FS) Entry(name string) (*Entry, bool) {
	n := f.tree.find(path.Clean("/" + name))
	if n == nil {
		return nil, false
	}
	return &n.entry, true
}

// Resolve returns what a rooted path leads to after all symlinks. The error is a *fs.PathError with ENOENT, ENOTDIR
// or ELOOP whose path is the component that decided. The entry must not be changed.
func (f *FS) Resolve(name string) (*Entry, error) {
	n, at, err := f.tree.follow(name, true, nil)
	if err != nil {
		return nil, &fs.PathError{Op: "resolve", Path: at, Err: err}
	}
	return &n.entry, nil
}

// Walk calls visit for every path, the root first, in path order (a directory before what is in it, names in byte
// order). Symlinks are visited, not followed. It stops at the first error and returns it. Entries must not be changed.
func (f *FS) Walk(visit func(*Entry) error) error {
	return f.tree.root.walk(func(n *node) error { return visit(&n.entry) })
}

// LayerOf returns the layer that put a rooted path there, following no symlink; -1 if it is absent or implied.
func (f *FS) LayerOf(name string) int {
	if e, ok := f.Entry(name); ok {
		return e.Layer
	}
	return -1
}

// Deletions returns every path that some layer removed, by path, then layer; also of paths that a later layer put
// there again.
func (f *FS) Deletions() []Deletion { return append([]Deletion(nil), f.tree.deletions...) }

// Overwritten returns every path of which a layer put a new version over that of a lower layer, by path, then layer.
// A directory stated again is not overwritten.
func (f *FS) Overwritten() []Deletion { return append([]Deletion(nil), f.tree.overwritten...) }

// Deleted tells whether a rooted path is absent because a layer removed it, and which did so last.
func (f *FS) Deleted(name string) (Deletion, bool) {
	name = path.Clean("/" + name)
	if f.tree.find(name) != nil {
		return Deletion{}, false
	}
	list := f.tree.deletions
	i := sort.Search(len(list), func(i int) bool { return list[i].Path > name })
	if i == 0 || list[i-1].Path != name {
		return Deletion{}, false
	}
	return list[i-1], true
}
