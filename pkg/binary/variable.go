package binary

import (
	"debug/elf"
	"slices"
)

// variable is a part of the data whose writers were looked for.
type variable struct {
	low, high uint64
	stores    map[uint64][]value // what the program's code sets its words to
	unknown   bool               // it may be set otherwise
}

// Limits of what is looked through: functions that refer to a variable, variables of a program, and mentions of any.
const (
	maxWriters   = 64
	maxVariables = 64
	maxMentions  = 1 << 21
)

// mention is a place in the text that refers to the writable data other than by loading from it.
type mention struct {
	at uint32 // offset from the text
	to uint32 // offset from mentions.low
}

// mentions are found in the one walk over the text, in its order: which variables are watched is known only later.
type mentions struct {
	low, size uint64 // the addresses that are looked for
	all       []mention
	cut       bool // there are more
}

// immediates are the bytes that may follow an argument in an instruction of amd64. The argument counts from the end of
// the instruction, so it may be so much higher than it looks. Source: Intel SDM, volume 2.
var immediates = map[elf.Machine][]uint64{elf.EM_X86_64: {0, 1, 4}, elf.EM_AARCH64: {0}}

// newMentions looks for addresses that the program can write to once it runs: the writable segments, with what the file
// has no bytes for, and without what the loader makes read-only at their beginning.
func newMentions(m *memory) mentions {
	low, high := uint64(1<<64-1), uint64(0)
	for _, s := range m.f.loads {
		if s.access&elf.PF_W != 0 && s.vaddr+s.mapped >= s.vaddr {
			low, high = min(low, s.vaddr), max(high, s.vaddr+s.mapped)
		}
	}
	for _, s := range m.f.segments {
		if s.kind == elf.PT_GNU_RELRO && low-s.vaddr < s.size && s.vaddr+s.size < high {
			low = s.vaddr + s.size
		}
	}
	if low >= high {
		return mentions{}
	}
	low -= min(low, 4) // the largest immediate
	return mentions{low: low, size: min(high-low, 1<<32-1)}
}

// add records that the code at an offset from the text mentions an address, if it is in the data.
func (m *mentions) add(at uint32, address uint64) {
	if address-m.low >= m.size {
		return
	}
	if m.cut = m.cut || len(m.all) >= maxMentions; !m.cut {
		m.all = append(m.all, mention{at, uint32(address - m.low)})
	}
}

// watch looks for all code that sets the words of a variable.
func (p *program) watch(at, size uint64) {
	if p.m.readOnly(at) || p.watched(at) != nil || len(p.variables) >= maxVariables {
		return
	}
	v := &variable{low: at, high: at + size, stores: map[uint64][]value{}}
	p.variables = append(p.variables, v)
	fns, ok := p.writers(v.low, v.high)
	v.unknown = !ok
	for _, fn := range fns {
		t, ok := p.trace(fn)
		if !ok {
			v.unknown = true
			return
		}
		for _, s := range t.stores {
			if s.address >= v.low && s.address < v.high {
				v.stores[s.address] = append(v.stores[s.address], s.value)
			}
		}
		for _, c := range t.calls { // its address is given to others
			v.unknown = v.unknown || slices.ContainsFunc(c.words[:], func(w value) bool {
				n, ok := w.constant()
				return ok && n >= v.low && n < v.high
			})
		}
	}
}

// watched returns the variable that a word belongs to, nil if it was not watched.
func (p *program) watched(at uint64) *variable {
	for _, v := range p.variables {
		if at >= v.low && at < v.high {
			return v
		}
	}
	return nil
}

// settled turns a value that is loaded from a variable into what the variable holds, if that is one constant all
// the time but for the initialisation.
func (p *program) settled(v value) value {
	for range 4 { // variables that are copied from others
		if !v.known || v.kind != isVariable {
			return v
		}
		word, _ := p.m.word(v.n)
		if !p.m.readOnly(v.n) {
			w := p.watched(v.n)
			if w == nil || w.unknown {
				return value{}
			}
			if stores := w.stores[v.n]; len(stores) > 0 {
				same := !slices.ContainsFunc(stores, func(s value) bool { return s != stores[0] })
				if !same || word != 0 && stores[0] != number(word) {
					return value{}
				}
				v = stores[0]
				if v.known && v.kind == isVariable {
					p.watch(v.n, 8)
				}
				continue
			}
		}
		if word == 0 { // set in a way that is not seen
			return value{}
		}
		return number(word)
	}
	return value{}
}

// writers returns the functions whose code refers to an address in [low, high) other than by loading it; false if they
// are not known.
func (p *program) writers(low, high uint64) ([]int32, bool) {
	if p.graph == nil || p.graph.mentions.cut || low-p.graph.mentions.low >= p.graph.mentions.size {
		return nil, false
	}
	var fns []int32
	for _, m := range p.graph.mentions.all {
		to := p.graph.mentions.low + uint64(m.to)
		if to >= high || !slices.ContainsFunc(immediates[p.m.f.machine], func(n uint64) bool { return to+n >= low && to+n < high }) {
			continue
		}
		if fn := p.fns.around(m.at); !slices.Contains(fns, fn) {
			fns = append(fns, fn)
		}
		if len(fns) > maxWriters {
			return nil, false
		}
	}
	return fns, true
}
