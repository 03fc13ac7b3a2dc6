package layers

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// How one layer is laid over those below. Sources: OCI image-spec layer.md; where it is silent, what containerd does
// with its overlay snapshotter (pkg/archive/tar.go), which Docker and Podman share:
//
//   - whiteouts and opaque directories hide what LOWER layers put there, wherever they stand inside their layer. Engines
//     with overlayfs forget a whiteout over which its own layer puts a directory, and show what is in the lower one; the
//     specification and umoci do not, nor does imgaudit. They refuse a whiteout behind an entry of the same name;
//   - of two entries of one path in a layer the last wins; a directory over a directory keeps what is in it,
//     anything else replaces what was there, a whole directory included;
//   - a hard link shares the file it names, of this layer or a lower one (which containerd and Podman refuse to unpack);
//     its owner, mode and capabilities are set on the file, as those of any entry: the last name decides for all;
//   - an entry for the root itself is ignored: "/" is 0755 root:root;
//   - a parent directory that no layer mentions is made, 0755 root:root, for a whiteout too; one that only a lower layer
//     mentions keeps its owner and mode, as with containerd and umoci (Podman makes it 0755 root:root again);
//   - a parent that is a symlink of the SAME layer is followed, inside the root; a symlink (or file) of a LOWER layer
//     is not: a directory takes its place, because a layer is unpacked on its own and laid over the others later.
//     That is how a tar with lib/x breaks an image whose /lib is a link to usr/lib.

const (
	impliedMode    = fs.ModeDir | 0o755
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh." // metadata of aufs, which no run-time unpacks
)

// stratum is what one layer says, in the order of its tar.
type stratum struct {
	items     []*item  // never changed once the layer is laid
	whiteouts []string // paths hidden in the layers below
	opaque    []string // directories whose contents in the layers below are hidden
}

// item is one tar entry that is no whiteout.
type item struct {
	entry    Entry
	hardlink string // rooted target, "" if it is no hard link
	content  content
	secrets  *[]sighting // in a regular file, see secrets.go: a fact of the layer like the entry; nil for none, as most have
}

// add takes one tar entry: name as written in the tar, it with everything but the path.
func (s *stratum) add(name string, it *item) error {
	clean, err := rooted(name)
	if err != nil {
		return err
	}
	dir, base := path.Split(clean)
	dir = path.Clean(dir)
	switch {
	case base == opaqueMarker:
		s.opaque = append(s.opaque, dir)
	case strings.HasPrefix(base, aufsPrefix):
	case strings.HasPrefix(base, whiteoutPrefix):
		hidden := base[len(whiteoutPrefix):]
		if hidden == "" || hidden == "." || hidden == ".." {
			return fmt.Errorf("whiteout %q names nothing", name)
		}
		s.whiteouts = append(s.whiteouts, join(dir, hidden))
	default:
		it.entry.Path = clean
		s.items = append(s.items, it)
	}
	return nil
}

// rooted cleans a name of a tar into a rooted path; ".." stays inside the root, as in a chroot.
func rooted(name string) (string, error) {
	if len(name) > maxPath {
		return "", limitError(fmt.Sprintf("path %.40q...", name), maxPath, "bytes")
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", fmt.Errorf("path %q holds a NUL byte", name)
	}
	return path.Clean("/" + name), nil
}

// lay puts a layer over the tree.
func (t *tree) lay(index int, s *stratum) error {
	if s.cut() {
		t.cut = append(t.cut, index)
	}
	for _, dir := range s.opaque {
		if n := t.find(dir); n != nil {
			for _, child := range n.children.all() {
				t.remove(n, child, index)
			}
		}
	}
	for _, hidden := range s.whiteouts {
		if n := t.find(path.Dir(hidden)); n != nil {
			if child := n.children.get(path.Base(hidden)); child != nil {
				t.remove(n, child, index)
			}
		}
	}
	for _, dir := range s.opaque {
		if _, err := t.directory(dir, index, 0); err != nil {
			return err
		}
	}
	for _, hidden := range s.whiteouts {
		if _, err := t.directory(path.Dir(hidden), index, 0); err != nil {
			return err
		}
	}
	for _, it := range s.items {
		if err := t.put(index, it); err != nil {
			return err
		}
	}
	if len(t.deletions)+len(t.overwritten) > maxDeleted {
		return limitError("deleted and overwritten paths", maxDeleted, "paths")
	}
	return nil
}

// put places one entry.
func (t *tree) put(index int, it *item) error {
	if it.entry.Path == "/" {
		return nil
	}
	dir, name := path.Split(it.entry.Path)
	parent, err := t.directory(path.Clean(dir), index, 0)
	if err != nil {
		return err
	}
	it = it.at(parent, name, index)
	n, old := t.newNode(it), parent.children.get(name)
	switch {
	case it.hardlink != "":
		target := t.linked(it.hardlink, index)
		if target == nil {
			return fmt.Errorf("hard link %s to %s: no such file in this or a lower layer", it.entry.Path, it.hardlink)
		}
		if target == old {
			return nil
		}
		link := *target.item
		link.entry.Path, link.entry.Layer, link.hardlink = it.entry.Path, index, it.hardlink
		n.item = &link
		n.share(target)
		t.own(n.inode, target, it)
	case it.entry.Mode.IsDir() && old != nil && old.isDir():
		old.item = it
		return nil
	case it.entry.Mode.IsRegular():
		t.store(n)
	}
	if finds := it.finds(); len(finds) > 0 && it.hardlink == "" && it.entry.Mode.IsRegular() {
		t.finds = append(t.finds, holder{it.entry.Path, n.identity(), finds})
	}
	if old != nil {
		t.drop(old, index, n)
		if old.entry.Layer != index && !(old.entry.Layer < 0 && old.children.count == 0) {
			t.overwritten = append(t.overwritten, deletion(old, index))
		}
		t.empty(old, index)
	}
	parent.children.put(n)
	return nil
}

// ownSilent is in the mode of a hard link that says nothing of its file's owner and mode.
const ownSilent = fs.ModeIrregular

// at returns the item as it is in a directory of the tree, in a layer of this number.
func (it *item) at(dir *node, name string, index int) *item {
	at := dir.entry.Path
	if at == "/" {
		at = ""
	}
	if moved := len(it.entry.Path) != len(at)+1+len(name) || !strings.HasPrefix(it.entry.Path, at); moved {
		c := *it
		c.entry.Path, c.entry.Layer = at+"/"+name, index
		return &c
	}
	if it.entry.Layer != index { // a layer that is looked at alone has its number already
		it.entry.Layer = index
	}
	return it
}

// linked finds the file a hard link names: its parents as directory does, but making nothing.
func (t *tree) linked(target string, index int) *node {
	n := t.find(target)
	if n == nil {
		parent, _, err := t.follow(path.Dir(target), true, nil)
		if err != nil {
			return nil
		}
		n = parent.children.get(path.Base(target))
	}
	if n == nil || n.isDir() {
		return nil
	}
	return n
}

// directory returns the directory at a clean rooted path for entries of layer index, making what is missing.
func (t *tree) directory(p string, index, hops int) (*node, error) {
	n := t.root
	for end := 0; end < len(p) && p != "/"; {
		from := end + 1
		if end = strings.IndexByte(p[from:], '/') + from; end < from {
			end = len(p)
		}
		child := n.children.get(p[from:end])
		switch {
		case child == nil:
		case child.isDir():
			n = child
			continue
		case child.entry.Mode&fs.ModeSymlink != 0 && child.entry.Layer == index:
			if hops++; hops > maxHops {
				return nil, fmt.Errorf("%s: too many levels of symbolic links", p)
			}
			to, err := rooted(targetOf(&child.entry) + p[end:])
			if err != nil {
				return nil, err
			}
			return t.directory(to, index, hops)
		case child.entry.Layer == index:
			return nil, fmt.Errorf("%s: %s of the same layer is not a directory", p, child.entry.Path)
		}
		if t.made++; t.made > maxMade {
			return nil, limitError("image", maxMade, "directories that no layer mentions")
		}
		if child != nil {
			t.overwritten = append(t.overwritten, deletion(child, index))
		}
		made := t.newDirectory(p[:end])
		if child != nil {
			t.drop(child, index, made)
		}
		n.children.put(made)
		n = made
	}
	return n, nil
}

// targetOf returns the rooted path a symlink points at.
func targetOf(e *Entry) string {
	if strings.HasPrefix(e.Link, "/") {
		return path.Clean(e.Link)
	}
	return path.Join(path.Dir(e.Path), e.Link)
}

// remove takes a child of n away and notes it and everything below it as deleted by layer index.
func (t *tree) remove(n, child *node, index int) {
	n.children.remove(child.name())
	t.deletions = append(t.deletions, deletion(child, index))
	t.drop(child, index, nil)
	t.empty(child, index)
}

// empty notes everything below n as deleted by layer index.
func (t *tree) empty(n *node, index int) {
	for _, child := range n.children.all() {
		if child.entry.Layer != index {
			t.deletions = append(t.deletions, deletion(child, index))
		}
		t.drop(child, index, nil)
		t.empty(child, index)
	}
}

func deletion(n *node, index int) Deletion {
	return Deletion{Path: n.entry.Path, Layer: index, Was: n.entry.Layer, Mode: n.entry.Mode, Size: n.entry.Size}
}
