package binary

import (
	"debug/elf"
	"slices"
)

// signalSet is what a list of signals holds.
type signalSet struct {
	numbers []int // ascending
	all     bool  // the list is empty, which means every signal
	unknown bool  // some are not constants
}

// add joins another set.
func (s *signalSet) add(other signalSet) {
	s.numbers = append(s.numbers, other.numbers...)
	slices.Sort(s.numbers)
	s.numbers = slices.Compact(s.numbers)
	s.all = s.all || other.all
	s.unknown = s.unknown || other.unknown
}

// Limits of what is followed for a list of signals.
const (
	maxSignal      = 64 // the highest number. Source: signal(7), SIGRTMAX
	maxSignals     = 64 // elements of a list
	maxListDepth   = 4  // functions that hand a list on
	maxListCallers = 64
	maxHandOns     = 256 // times that callers are looked for, in a whole program
)

var unknownSignals = signalSet{unknown: true}

// scope is where values are known: a function and its memory at a call.
type scope struct {
	fn     int32
	memory knownWords
	depth  int
}

// load returns the word at an address.
func (s scope) load(at value) value { return (&registers{memory: s.memory}).load(at) }

// signalList returns the signals of a []os.Signal whose pointer and length are known to be these values.
func (p *program) signalList(pointer, length value, s scope) signalSet {
	if areParameters(pointer, length) {
		return p.fromCallers(pointer, length, s, p.signalList)
	}
	if pointer.known && pointer.kind == isVariable {
		p.watch(pointer.n, 24)
		pointer, length = p.settled(pointer), p.settled(length)
	}
	n, ok := length.constant()
	if n == 0 && ok {
		return signalSet{all: true}
	}
	if !ok || !pointer.known || n > maxSignals {
		return unknownSignals
	}
	if at, ok := pointer.constant(); ok {
		p.watch(at, 16*n)
	}
	var all signalSet
	for i := range int64(n) {
		at := pointer.add(16 * i)
		all.add(p.signal(s.load(at), s.load(at.add(8)), s))
	}
	return all
}

// areParameters says whether two values are words of the function's arguments.
func areParameters(a, b value) bool {
	return a.known && a.kind == isParameter && b.known && b.kind == isParameter
}

// fromCallers joins what all callers of a function give it as two of its parameters.
func (p *program) fromCallers(a, b value, s scope, of func(a, b value, s scope) signalSet) signalSet {
	callers := p.graph.callers(s.fn, maxListCallers)
	_, held := slices.BinarySearch(p.graph.data, s.fn)
	held = held || slices.ContainsFunc(p.graph.weak, func(e edge) bool { return e.callee == s.fn })
	p.handOns++
	if a.n >= maxWords || b.n >= maxWords || held || p.handOns > maxHandOns || len(callers) == 0 || len(callers) == maxListCallers || s.depth >= maxListDepth {
		return unknownSignals
	}
	var all signalSet
	for _, caller := range callers {
		t, ok := p.trace(caller)
		seen := false
		for i := 0; ok && i < len(t.calls); i++ {
			if c := &t.calls[i]; c.callee == s.fn {
				seen = true
				all.add(of(c.words[a.n], c.words[b.n], scope{caller, c.memory, s.depth + 1}))
			}
		}
		if !seen {
			return unknownSignals
		}
	}
	return all
}

// signal returns the number of an os.Signal by its two words.
func (p *program) signal(tab, data value, s scope) signalSet {
	if areParameters(tab, data) {
		return p.fromCallers(tab, data, s, p.signal)
	}
	if tab.known && tab.kind == isVariable {
		p.watch(tab.n, 16)
	}
	itab, ok := p.settled(tab).constant()
	if data = p.settled(data); !ok || !data.known || !p.isSignalTab(itab) {
		return unknownSignals
	}
	if at, ok := data.constant(); ok {
		p.watch(at, 8)
	}
	if n, ok := p.settled(s.load(data)).constant(); ok && n >= 1 && n <= maxSignal {
		return signalSet{numbers: []int{int(n)}}
	}
	return unknownSignals
}

// isSignalTab says whether an itab is that of a syscall.Signal. Source: internal/abi/iface.go, ITab; type.go, Type,
// Name.
func (p *program) isSignalTab(itab uint64) bool {
	const nameAt, name = 40, "syscall.Signal"
	typ, ok := p.m.word(itab + 8)
	size := p.mod.etypes - p.mod.types
	if inter, ok2 := p.m.word(itab); !ok || !ok2 || typ-p.mod.types >= size || inter-p.mod.types >= size {
		return false
	}
	var offset [4]byte
	if !p.m.read(typ+nameAt, offset[:]) {
		return false
	}
	// The flags, the length in one byte (two before 1.17), and perhaps a star that the name shares with the pointer's.
	text, ok := p.m.text(p.mod.types+uint64(p.m.f.order.Uint32(offset[:])), uint64(len("f\x00\x00*"+name)))
	if !ok {
		return false
	}
	text = text[1:]
	if text[0] == 0 {
		text = text[1:]
	}
	length := int(text[0])
	text = text[1:]
	if text[0] == '*' {
		length, text = length-1, text[1:]
	}
	return length == len(name) && text[:len(name)] == name
}

// readOnly says whether nothing can write at an address once the program runs.
func (m *memory) readOnly(address uint64) bool {
	for _, s := range m.f.segments {
		if address-s.vaddr >= s.size {
			continue
		}
		if s.kind == elf.PT_GNU_RELRO || s.kind == elf.PT_LOAD && s.access&elf.PF_W == 0 {
			return true
		}
	}
	return false
}
