package layers

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
)

// Access tells whether a process of that identity may do want with the file a rooted path leads to, symlinks
// followed: every directory on the way must be searchable, and the file itself must grant want. uid 0 has
// CAP_DAC_OVERRIDE as in a default container: it may read, write and search anything, but execute only what has some
// x bit. want 0 asks only whether the path can be reached. Source: path_resolution(7), capabilities(7).
func (f *FS) Access(path string, id Identity, want Permission) Access {
	_, access := f.access(path, id, want)
	return access
}

func (f *FS) access(path string, id Identity, want Permission) (*node, Access) {
	n, at, err := f.tree.follow(path, true, id.search)
	if err != nil {
		return nil, denied(err, at)
	}
	if !id.may(&n.entry, want) {
		return n, Access{Errno: "EACCES", At: at, Real: at}
	}
	return n, Access{OK: true, Real: at}
}

// search is what follow asks of each directory.
func (id Identity) search(dir *node) error {
	if !id.may(&dir.entry, Exec) {
		return syscall.EACCES
	}
	return nil
}

// may tells whether an entry's mode grants want.
func (id Identity) may(e *Entry, want Permission) bool {
	perm := Permission(e.Mode.Perm())
	switch {
	case id.UID == 0:
		return want&Exec == 0 || e.Mode.IsDir() || e.Mode.Perm()&0o111 != 0
	case id.UID == e.UID:
		perm = Permission(e.Mode.Perm() >> 6)
	case id.GID == e.GID || slices.Contains(id.Groups, e.GID):
		perm = Permission(e.Mode.Perm() >> 3)
	}
	return perm&want&7 == want&7
}

// denied is the answer for a walk that ended in an error at a path.
func denied(err error, at string) Access {
	return Access{Errno: errnoName(err), At: at, Real: at}
}

func errnoName(err error) string {
	switch {
	case errors.Is(err, syscall.EACCES):
		return "EACCES"
	case errors.Is(err, syscall.ENOTDIR):
		return "ENOTDIR"
	case errors.Is(err, syscall.ELOOP):
		return "ELOOP"
	case errors.Is(err, fs.ErrNotExist):
		return "ENOENT"
	}
	return "EIO"
}
