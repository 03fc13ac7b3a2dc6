package binary

import (
	"bytes"
	"slices"
	"strings"
)

// named returns which functions have a name that test accepts, among those that hold text and perhaps NULs around it.
func (p *program) named(text string, test func(name string) bool) map[int32]bool {
	names := map[uint32]bool{} // as offsets from the names, of those that hold the text
	look := []byte(text)
	err := p.m.walk(p.table.names, p.table.namesEnd-p.table.names, maxName, func(address uint64, b []byte, n int) {
		for from := 0; ; {
			i := bytes.Index(b[from:], look)
			if i < 0 {
				return
			}
			i += from
			from = i + 1
			if begin := bytes.LastIndexByte(b[:i+1], 0) + 1; begin < n {
				names[uint32(address-p.table.names)+uint32(begin)] = true
			}
		}
	})
	all := map[int32]bool{}
	for fn, name := range p.fns.name {
		if err == nil && names[name] && test(p.name(int32(fn))) {
			all[int32(fn)] = true
		}
	}
	return all
}

// methods returns the functions outside the standard library that are methods of some name, ascending.
func (p *program) methods(name string) []int32 {
	var all []int32
	for fn := range p.named("."+name+"\x00", func(full string) bool { return !isStandard(packageOf(full)) }) {
		all = append(all, fn)
	}
	slices.Sort(all)
	return all
}

// importers finds out which packages are seen to use some others.
type importers struct {
	*program
	imported map[int32]bool // the functions of the others
	known    map[string]bool
	values   []bool // functions that are called through a value, perhaps
}

func (p *program) importersOf(packages ...string) *importers {
	x := &importers{program: p, imported: map[int32]bool{}, known: map[string]bool{}, values: make([]bool, len(p.fns.entry))}
	for _, fn := range p.graph.data {
		x.values[fn] = true
	}
	for _, e := range p.graph.weak {
		x.values[e.callee] = true
	}
	for _, pkg := range packages {
		for fn := range p.named("\x00"+pkg+".", func(name string) bool { return packageOf(name) == pkg }) {
			x.imported[fn] = true
		}
	}
	return x
}

// has says whether a function of the package that fn is in calls one of the others, or refers to a marked type.
// Functions of a package follow each other in the text.
func (x *importers) has(fn int32) bool {
	pkg := packageOf(x.name(fn))
	known, ok := x.known[pkg]
	if ok {
		return known
	}
	for i := fn; i >= 0 && !known && x.isIn(i, pkg); i-- {
		known = x.uses(i)
	}
	for i := fn + 1; int(i) < len(x.fns.entry) && !known && x.isIn(i, pkg); i++ {
		known = x.uses(i)
	}
	x.known[pkg] = known
	return known
}

func (x *importers) isIn(fn int32, pkg string) bool {
	name := x.name(fn)
	return packageOf(strings.TrimPrefix(strings.TrimPrefix(name, "type:.eq."), "type:.hash.")) == pkg
}

func (x *importers) uses(fn int32) bool {
	_, marked := slices.BinarySearch(x.graph.marks, fn)
	return marked || slices.ContainsFunc(x.graph.callees(fn), func(callee int32) bool { return x.imported[callee] })
}

// given says whether fn may be handed something of the others: its own package has it, a caller's, or it is called
// through a value.
func (x *importers) given(fn int32) bool {
	return x.values[fn] || x.has(fn) || slices.ContainsFunc(x.graph.callers(fn, maxListCallers), x.has)
}
