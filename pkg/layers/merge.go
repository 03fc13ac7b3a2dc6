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
//   - whiteouts and opaque directories hide what LOWER layers put there, wherever they stand inside their layer;
//   - of two entries of one path in a layer the last wins; a directory over a directory keeps what is in it,
//     anything else replaces what was there, a whole directory included;
//   - a hard link shares the file it names, of this layer or a lower one (which containerd and Podman refuse to unpack);
//   - an entry for the root itself is ignored: "/" is 0755 root:root;
//   - a parent directory that no layer mentions is made, 0755 root:root, for a whiteout too;
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
	items     []item
	whiteouts []string // paths hidden in the layers below
	opaque    []string // directories whose contents in the layers below are hidden
}

// item is one tar entry that is no whiteout.
type item struct {
	entry    Entry
	hardlink string // rooted target, "" if it is no hard link
	content  content
}

// add takes one tar entry: name as written in the tar, it with everything but the path.
func (s *stratum) add(name string, it item) error {
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
	for _, dir := range s.opaque {
		if n := t.find(dir); n != nil {
			for _, name := range n.names() {
				t.remove(n, name, index)
			}
		}
	}
	for _, hidden := range s.whiteouts {
		if n := t.find(path.Dir(hidden)); n != nil {
			t.remove(n, path.Base(hidden), index)
		}
	}
	for _, it := range s.items {
		if err := t.put(index, it); err != nil {
			return err
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
	return nil
}

// put places one entry.
func (t *tree) put(index int, it item) error {
	it.entry.Layer = index
	if it.entry.Path == "/" {
		return nil
	}
	parent, err := t.directory(path.Dir(it.entry.Path), index, 0)
	if err != nil {
		return err
	}
	name := path.Base(it.entry.Path)
	it.entry.Path = join(parent.entry.Path, name)
	n := &node{entry: it.entry, content: it.content}
	old := parent.children[name]
	switch {
	case it.hardlink != "":
		target := t.linked(it.hardlink, index)
		if target == nil {
			return fmt.Errorf("hard link %s to %s: no such file in this or a lower layer", it.entry.Path, it.hardlink)
		}
		if target == old {
			return nil
		}
		n.entry, n.content = target.entry, target.content
		n.entry.Path, n.entry.Layer = it.entry.Path, index
	case it.entry.Mode.IsDir() && old != nil && old.isDir():
		old.entry = it.entry
		return nil
	case it.entry.Mode.IsDir():
		n.children = map[string]*node{}
	}
	if old != nil {
		if old.entry.Layer != index {
			t.overwritten = append(t.overwritten, deletion(old, index))
		}
		t.empty(old, index)
	}
	parent.children[name] = n
	return nil
}

// linked finds the file a hard link names: its parents as directory does, but making nothing.
func (t *tree) linked(target string, index int) *node {
	n := t.find(target)
	if n == nil {
		parent, _, err := t.follow(path.Dir(target), true, nil)
		if err != nil {
			return nil
		}
		n = parent.children[path.Base(target)]
	}
	if n == nil || n.isDir() {
		return nil
	}
	return n
}

// directory returns the directory at a clean rooted path for entries of layer index, making what is missing.
func (t *tree) directory(p string, index, hops int) (*node, error) {
	n := t.root
	for rest := p[1:]; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		child := n.children[name]
		switch {
		case child == nil:
		case child.isDir():
			n = child
			continue
		case child.entry.Mode&fs.ModeSymlink != 0 && child.entry.Layer == index:
			if hops++; hops > maxHops {
				return nil, fmt.Errorf("%s: too many levels of symbolic links", p)
			}
			to, err := rooted(targetOf(&child.entry) + "/" + rest)
			if err != nil {
				return nil, err
			}
			return t.directory(to, index, hops)
		case child.entry.Layer == index:
			return nil, fmt.Errorf("%s: %s of the same layer is not a directory", p, child.entry.Path)
		}
		made := newDirectory(join(n.entry.Path, name))
		n.children[name] = made
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
func (t *tree) remove(n *node, name string, index int) {
	child := n.children[name]
	if child == nil {
		return
	}
	delete(n.children, name)
	t.deletions = append(t.deletions, deletion(child, index))
	t.empty(child, index)
}

// empty notes everything below n as deleted by layer index.
func (t *tree) empty(n *node, index int) {
	for _, child := range n.children {
		if child.entry.Layer != index {
			t.deletions = append(t.deletions, deletion(child, index))
		}
		t.empty(child, index)
	}
}

func deletion(n *node, index int) Deletion {
	return Deletion{Path: n.entry.Path, Layer: index, Was: n.entry.Layer, Mode: n.entry.Mode, Size: n.entry.Size}
}
