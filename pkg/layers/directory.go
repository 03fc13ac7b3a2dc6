package layers

import (
	"hash/maphash"
	"slices"
	"strings"
)

// directory is the children of a directory by name: a list as long as they are few, a hash table with open addressing
// beyond. It takes a quarter of the memory of a map, for a name is not held beside the path it ends.
type directory struct {
	slots  []*node // few: the first count; many: a power of two of them, at most three quarters used
	count  int
	sorted bool // no more children come: slots are the children in order of names
}

// fewChildren is how many are looked through one by one.
const fewChildren = 8

// named tells whether a node's last path element is name.
func (n *node) named(name string) bool {
	p := n.entry.Path
	return len(p) > len(name) && p[len(p)-len(name)-1] == '/' && p[len(p)-len(name):] == name
}

func (n *node) name() string { return n.entry.Path[strings.LastIndexByte(n.entry.Path, '/')+1:] }

// hashed tells whether slots is a hash table.
func (d *directory) hashed() bool { return len(d.slots) > fewChildren }

// home is where a name belongs in a hash table.
func (d *directory) home(name string) int {
	return int(maphash.String(seed, name) & uint64(len(d.slots)-1))
}

// slot returns where a name is, or would be put; the slot is nil or behind the end in the latter case.
func (d *directory) slot(name string) int {
	if !d.hashed() {
		for i, n := range d.slots[:d.count] {
			if n.named(name) {
				return i
			}
		}
		return d.count
	}
	i := d.home(name)
	for d.slots[i] != nil && !d.slots[i].named(name) {
		i = (i + 1) & (len(d.slots) - 1)
	}
	return i
}

// get returns the child of some name, nil if there is none.
func (d *directory) get(name string) *node {
	if d == nil || d.count == 0 {
		return nil
	}
	if d.sorted {
		return d.search(name)
	}
	if i := d.slot(name); i < len(d.slots) {
		return d.slots[i]
	}
	return nil
}

// put adds a child, or replaces that of the same name.
func (d *directory) put(child *node) {
	name := child.name()
	i := d.slot(name)
	if i < len(d.slots) && d.slots[i] != nil {
		d.slots[i] = child
		return
	}
	if i >= len(d.slots) || d.hashed() && d.count+1 > len(d.slots)/4*3 {
		d.grow()
		i = d.slot(name)
	}
	d.slots[i] = child
	d.count++
}

func (d *directory) grow() {
	old := d.slots
	switch len(old) {
	case 0:
		d.slots = make([]*node, 1)
	case fewChildren:
		d.slots = make([]*node, 4*fewChildren)
	default:
		d.slots = make([]*node, 2*len(old))
	}
	if !d.hashed() {
		copy(d.slots, old)
		return
	}
	for _, n := range old {
		if n != nil {
			d.slots[d.slot(n.name())] = n
		}
	}
}

// remove takes a child away.
func (d *directory) remove(name string) {
	i := d.slot(name)
	if i >= len(d.slots) || d.slots[i] == nil {
		return
	}
	d.count--
	if !d.hashed() {
		copy(d.slots[i:], d.slots[i+1:])
		d.slots[len(d.slots)-1] = nil
		return
	}
	d.slots[i] = nil
	mask := len(d.slots) - 1
	for j := (i + 1) & mask; d.slots[j] != nil; j = (j + 1) & mask { // move back what the gap would hide
		if home := d.home(d.slots[j].name()); (j-home)&mask >= (j-i)&mask {
			d.slots[i], d.slots[j] = d.slots[j], nil
			i = j
		}
	}
}

// search finds a child among sorted ones, whose paths differ in the last element alone.
func (d *directory) search(name string) *node {
	dir := len(d.slots[0].entry.Path) - len(d.slots[0].name())
	i, found := slices.BinarySearchFunc(d.slots, name, func(n *node, name string) int { return strings.Compare(n.entry.Path[dir:], name) })
	if !found {
		return nil
	}
	return d.slots[i]
}

// settle puts the children in order, once all are there.
func (d *directory) settle() { d.slots, d.sorted = d.all(), true }

// all returns the children in order of names, which the caller must not change.
func (d *directory) all() []*node {
	switch {
	case d == nil:
		return nil
	case d.sorted:
		return d.slots
	}
	list := make([]*node, 0, d.count)
	for _, n := range d.slots {
		if n != nil {
			list = append(list, n)
		}
	}
	byName := func(a, b *node) int { return strings.Compare(a.entry.Path, b.entry.Path) } // all in the same directory
	if !slices.IsSortedFunc(list, byName) {
		slices.SortFunc(list, byName)
	}
	return list
}
