package layers

import (
	"sort"
	"strings"
)

// tree is the merged file system. It is built by lay, layer after layer, and not changed afterwards.
type tree struct {
	root        *node
	deletions   []Deletion // sorted by path, then layer, once the tree is finished
	overwritten []Deletion // the same
	waste       []Waste    // in the order in which it came about
	stored      int64      // bytes of the files of all layers
	finds       []holder   // files of all layers with secrets
	cut         []int      // layers with more of them
	made        int        // directories that no layer mentions
	disowned    bool       // some hard link says something else of its file than the file itself
	spare       []node     // allocated, not used yet
}

// node is one path of the tree. Its item is the layer's, or one of its own when the two are not alike.
type node struct {
	*item
	children *directory // of a directory; nil otherwise
	inode    *inode     // of a regular file of several names or with secrets; nil: its item says it all
}

func newTree() *tree {
	t := &tree{}
	t.root = t.newDirectory("/")
	return t
}

// newNode returns a node for an item.
func (t *tree) newNode(it *item) *node {
	if len(t.spare) == 0 {
		t.spare = make([]node, 256)
	}
	n := &t.spare[0]
	t.spare = t.spare[1:]
	n.item = it
	if it.entry.Mode.IsDir() {
		n.children = &directory{}
	}
	return n
}

// newDirectory returns a directory that no layer mentions but some path needs.
// containerd and Docker make it 0755 root:root.
func (t *tree) newDirectory(path string) *node {
	return t.newNode(&item{entry: Entry{Path: path, Mode: impliedMode, Layer: -1}})
}

func (n *node) isDir() bool { return n.children != nil }

// walk calls visit for n and everything below it in path order, component by component.
func (n *node) walk(visit func(*node) error) error {
	if err := visit(n); err != nil {
		return err
	}
	for _, child := range n.children.all() {
		if err := child.walk(visit); err != nil {
			return err
		}
	}
	return nil
}

// settle puts the directories from n on in order.
func (n *node) settle() {
	n.children.settle()
	for _, child := range n.children.slots {
		if child.isDir() {
			child.settle()
		}
	}
}

// find returns the node at a clean rooted path, following no link at all; nil if there is none.
func (t *tree) find(path string) *node {
	n := t.root
	for rest := path[1:]; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if n = n.children.get(name); n == nil {
			return nil
		}
	}
	return n
}

// finish gives files their last owner and puts the directories in order, and what was removed.
func (t *tree) finish() {
	t.giveOwners()
	t.root.settle()
	for _, list := range [][]Deletion{t.deletions, t.overwritten} {
		sort.SliceStable(list, func(i, j int) bool {
			if list[i].Path != list[j].Path {
				return list[i].Path < list[j].Path
			}
			return list[i].Layer < list[j].Layer
		})
	}
}

// join appends a name to a rooted directory path.
func join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}
