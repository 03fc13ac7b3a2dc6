package layers

import (
	"cmp"
	"io/fs"
	"slices"
)

// Waste is a file that the image stores and nobody can see: a later layer deleted it or put another over it, or its own
// layer has it twice.
type Waste struct {
	Path  string `json:"path"`  // the name that was the last to go
	Layer int    `json:"layer"` // the layer that stores it
	By    int    `json:"by"`    // the layer that made it useless
	Size  int64  `json:"size"`  // bytes, uncompressed
	// Deleted is true if nothing stands at the path, or at the directory above it, in its place.
	Deleted bool `json:"deleted,omitempty"`
	// Same is true if what was put over it has the same size: only owner, mode or time were changed, most likely.
	Same bool `json:"same,omitempty"`
}

// inode is the bytes of one regular file as a layer stores them, however many names it has. A node of a file with one
// name has none until somebody asks for it.
type inode struct {
	layer int
	size  int64
	names int
	by    int    // the layer that took the last of them away
	said  *owned // by its last hard link, if it differs from the file
}

// owned is what a hard link says of the file.
type owned struct {
	mode     fs.FileMode
	uid, gid int
	caps     bool
	extra    *Extra
}

// own has a hard link decide on owner, mode and extended attributes of a file, nil for what is no regular file. The names have
// them when the tree is finished.
func (t *tree) own(i *inode, target *node, link *item) {
	if i == nil || link.entry.Mode&ownSilent != 0 {
		return
	}
	said := owned{link.entry.Mode, link.entry.UID, link.entry.GID, link.entry.Caps, link.entry.Extra}
	have := owned{target.entry.Mode, target.entry.UID, target.entry.GID, target.entry.Caps, target.entry.Extra}
	if i.said != nil {
		have = *i.said
	}
	chowned := said.uid != have.uid || said.gid != have.gid
	said.caps = said.caps || have.caps && !chowned
	said.extra = have.extra.with(said.extra, chowned)
	if said != have {
		i.said, t.disowned = &said, true
	}
}

// giveOwners gives all names of files what hard links said of them.
func (t *tree) giveOwners() {
	if !t.disowned {
		return
	}
	_ = t.root.walk(func(n *node) error {
		if n.inode == nil || n.inode.said == nil {
			return nil
		}
		own := *n.item
		said := n.inode.said
		own.entry.Mode, own.entry.UID, own.entry.GID, own.entry.Caps, own.entry.Extra = said.mode, said.uid, said.gid, said.caps, said.extra
		n.item = &own
		return nil
	})
}

// store counts the bytes of a new file.
func (t *tree) store(n *node) { t.stored += n.entry.Size }

// identity returns the inode of a regular file, nil for anything else.
func (n *node) identity() *inode {
	if n.inode == nil && n.entry.Mode.IsRegular() {
		n.inode = &inode{layer: n.entry.Layer, size: n.entry.Size, names: 1}
	}
	return n.inode
}

// share makes a node another name of a file.
func (n *node) share(target *node) {
	if n.inode = target.identity(); n.inode != nil {
		n.inode.names++
	}
}

// linked tells whether the node's layer has it as a hard link.
func (n *node) linked() bool { return n.hardlink != "" }

// drop notes that a node's name is gone; in is what stands in its place, nil if nothing does.
func (t *tree) drop(n *node, index int, in *node) {
	if !n.entry.Mode.IsRegular() {
		return
	}
	file := inode{layer: n.entry.Layer, size: n.entry.Size, names: 1}
	if n.inode != nil {
		n.inode.names--
		n.inode.by = index
		file = *n.inode
		file.names++
	}
	if file.names > 1 || file.size == 0 {
		return
	}
	w := Waste{Path: n.entry.Path, Layer: file.layer, By: index, Size: file.size, Deleted: in == nil}
	w.Same = in != nil && in.entry.Mode.IsRegular() && in.entry.Size == file.size
	t.waste = append(t.waste, w)
}

// Waste returns the files that are stored in vain, the largest first, then by path and layer. Their sizes add up to
// exactly what the image would be smaller by, uncompressed, if each file were stored once: of N copies N-1 count, a file
// of several names counts once and only when all its names are gone, and of a replaced directory all that was below it.
func (f *FS) Waste() []Waste {
	all := slices.Clone(f.tree.waste)
	slices.SortStableFunc(all, func(a, b Waste) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer))
	})
	return all
}

// Stored returns the bytes of all files of all layers, uncompressed: what is visible and what is waste.
func (f *FS) Stored() int64 { return f.tree.stored }
