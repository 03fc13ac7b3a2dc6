package layers

import "io/fs"

// Entry is one path of the merged tree, and what a FileInfo's Sys method returns.
type Entry struct {
	Path  string      `json:"path"`           // rooted, clean: "/usr/bin/app"
	UID   int         `json:"uid"`            //
	GID   int         `json:"gid"`            //
	Size  int64       `json:"size"`           // bytes
	Link  string      `json:"link,omitempty"` // target of a symlink as written; for a hard link "" (it shares its target's entry)
	Layer int         `json:"layer"`          // index of the layer that put it there (last wrote it); -1 for an implied directory
	Mode  fs.FileMode `json:"mode"`           // type, permission, setuid, setgid, sticky
	Caps  bool        `json:"caps,omitempty"` // has file capabilities (security.capability)
	ELF   bool        `json:"elf,omitempty"`  // a regular file that begins with the ELF magic
	// NotGo says of an ELF file that it was searched for Go's build information, which every program that Go built has,
	// and holds none. false: it may be Go's.
	NotGo bool `json:"notGo,omitempty"`
	// Extra is what few entries have, nil for the others. It must not be changed: entries share it.
	Extra *Extra `json:"extra,omitempty"`
}

// FS is the merged, read-only tree. It implements fs.FS, fs.StatFS, fs.ReadDirFS, fs.ReadFileFS and fs.ReadLinkFS
// with unrooted names ("usr/bin/app"); symlinks are resolved inside the image, as in a chroot, within 40 hops.
// FileInfo.Sys returns *Entry. It is safe for concurrent use.
type FS struct {
	tree *tree
}

// Deletion is a path that a layer removed: by a whiteout, an opaque directory, or by putting something else in the
// place of a directory above it. Everything below a removed directory is listed too.
type Deletion struct {
	Path  string `json:"path"`
	Layer int    `json:"layer"` // the layer that removed it
	Was   int    `json:"was"`   // the layer that had put it there; -1 for an implied directory
	// Mode and Size are those of what was removed.
	Mode fs.FileMode `json:"mode"`
	Size int64       `json:"size"`
}
