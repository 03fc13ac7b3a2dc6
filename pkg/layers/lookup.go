package layers

import (
	"io/fs"
	"strings"
	"syscall"
)

// follow walks path from the root as the kernel does for a chrooted process: "." and ".." are honoured, ".." of the
// root is the root, symlinks are followed inside it, at most maxHops of them. With last, a symlink at the end is
// followed too; a trailing slash asks for that as well.
//
// through, if not nil, is asked for each directory before something is looked up in it; its error ends the walk.
// It returns the node and the path as far as it got, with ENOENT, ENOTDIR, ELOOP or through's error.
// Source: path_resolution(7).
func (t *tree) follow(path string, last bool, through func(*node) error) (*node, string, error) {
	return t.walkFrom([]*node{t.root}, path, last, through)
}

// followFrom is follow for a relative path and a process in the directory cwd. Nothing is asked of the directories
// above cwd unless the path leads there.
func (t *tree) followFrom(cwd *node, path string, last bool, through func(*node) error) (*node, string, error) {
	at := []*node{t.root}
	for rest := cwd.entry.Path[1:]; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		at = append(at, at[len(at)-1].children.get(name))
	}
	return t.walkFrom(at, path, last, through)
}

// walkFrom walks on from at, the directories from the root to the current one.
func (t *tree) walkFrom(at []*node, path string, last bool, through func(*node) error) (*node, string, error) {
	hops := 0
	rest := strings.TrimLeft(path, "/")
	for rest != "" {
		here := at[len(at)-1]
		name, more, slash := strings.Cut(rest, "/")
		more = strings.TrimLeft(more, "/")
		if !here.isDir() {
			return nil, here.entry.Path, syscall.ENOTDIR
		}
		if through != nil {
			if err := through(here); err != nil {
				return nil, here.entry.Path, err
			}
		}
		rest = more
		if name == "." {
			continue
		}
		if name == ".." {
			if len(at) > 1 {
				at = at[:len(at)-1]
			}
			continue
		}
		n := here.children.get(name)
		if n == nil {
			return nil, join(here.entry.Path, name), syscall.ENOENT
		}
		if n.entry.Mode&fs.ModeSymlink != 0 && (slash || last) {
			if hops++; hops > maxHops {
				return nil, n.entry.Path, syscall.ELOOP
			}
			if n.entry.Link == "" {
				return nil, n.entry.Path, syscall.ENOENT
			}
			rest = n.entry.Link
			if slash {
				rest += "/" + more
			}
			if strings.HasPrefix(n.entry.Link, "/") {
				at = at[:1]
				rest = strings.TrimLeft(rest, "/")
			}
			continue
		}
		if slash && !n.isDir() {
			return nil, n.entry.Path, syscall.ENOTDIR
		}
		at = append(at, n)
	}
	n := at[len(at)-1]
	return n, n.entry.Path, nil
}
