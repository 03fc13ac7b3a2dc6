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
}

// node is one path of the tree.
type node struct {
	entry    Entry
	content  content          // bytes of a regular file, shared by hard links
	children map[string]*node // of a directory; nil otherwise
}

func newTree() *tree {
	return &tree{root: newDirectory("/")}
}

// newDirectory returns a directory that no layer mentions but some path needs.
// containerd and Docker make it 0755 root:root.
func newDirectory(path string) *node {
	return &node{entry: Entry{Path: path, Mode: impliedMode, Layer: -1}, children: map[string]*node{}}
}

func (n *node) isDir() bool { return n.children != nil }

// names returns the children's names in order.
func (n *node) names() []string {
	names := make([]string, 0, len(n.children))
	for name := range n.children {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// walk calls visit for n and everything below it in path order, component by component.
func (n *node) walk(visit func(*node) error) error {
	if err := visit(n); err != nil {
		return err
	}
	for _, name := range n.names() {
		if err := n.children[name].walk(visit); err != nil {
			return err
		}
	}
	return nil
}

// find returns the node at a clean rooted path, following no link at all; nil if there is none.
func (t *tree) find(path string) *node {
	n := t.root
	for rest := path[1:]; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if n = n.children[name]; n == nil {
			return nil
		}
	}
	return n
}

// finish puts what was removed in order.
func (t *tree) finish() {
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
