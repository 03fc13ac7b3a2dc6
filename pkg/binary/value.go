package binary

import (
	"debug/elf"
	"slices"
)

// value is what is known of a register or a word of memory before an instruction: nothing, if it is not known.
type value struct {
	known bool
	kind  kind
	site  uint32 // for an object: where it was allocated, as an offset from the text
	n     uint64
}

// kind says what a value's number means.
type kind uint8

const (
	isNumber    kind = iota // itself, perhaps an address
	isFrame                 // the stack pointer at the function's entry plus n
	isObject                // a fresh object plus n
	isVariable              // what the word at the address n holds
	isParameter             // the n-th word of the function's arguments
	isResult                // a word of what the call at site returned, and so many bytes on: see result
	isInside                // what the word at such an address holds
)

func number(n uint64) value { return value{known: true, n: n} }

// constant returns a number that is known.
func (v value) constant() (uint64, bool) { return v.n, v.known && v.kind == isNumber }

// add returns an address some bytes on; nothing for what is not known to be one.
func (v value) add(bytes int64) value {
	if !v.known || v.kind == isVariable || v.kind == isParameter || v.kind == isInside {
		return value{}
	}
	v.n += uint64(bytes)
	return v
}

// registers is what is known before an instruction. Only what is certain is kept: by an instruction that is not
// understood everything is forgotten but the stack pointer.
type registers struct {
	sp     int // the number of the stack pointer
	r      [32]value
	vector [16][2]value      // the words of the vector registers
	memory knownWords        // words at addresses in the frame, in objects and in variables
	store  func(at, v value) // told of every word that is stored where it is known, nil for nobody
}

// stackPointers are the numbers of the stack pointer by machine.
var stackPointers = map[elf.Machine]int{elf.EM_X86_64: 4, elf.EM_AARCH64: 31}

// newRegisters is what is known at a function's entry, but for its arguments.
func newRegisters(machine elf.Machine) registers {
	r := registers{sp: stackPointers[machine]}
	r.r[r.sp] = value{known: true, kind: isFrame}
	return r
}

func (r *registers) set(i int, v value) {
	if i >= 0 {
		r.r[i] = v
	}
}

// clear forgets everything but the stack pointer.
func (r *registers) clear() {
	sp := r.r[r.sp]
	*r = registers{sp: r.sp, store: r.store}
	r.r[r.sp] = sp
}

// load returns the word at an address.
func (r *registers) load(at value) value {
	if v, ok := r.memory.get(at); ok {
		return v
	}
	return r.untold(at)
}

// untold returns what a word holds that is not in memory.
func (r *registers) untold(at value) value {
	if at.kind == isObject && r.isFresh(at) {
		return number(0)
	}
	if address, ok := at.constant(); ok {
		return value{known: true, kind: isVariable, n: address}
	}
	if at.known && at.kind == isResult {
		return value{known: true, kind: isInside, site: at.site, n: at.n}
	}
	return value{}
}

// fresh is the place that is known as long as the object at an address is zero where nothing else is said.
func fresh(at value) value {
	at.n = 1 << 62
	return at
}

// isFresh says whether the object at an address is zero where nothing else is said.
func (r *registers) isFresh(at value) bool {
	v, _ := r.memory.get(fresh(at))
	return v.known
}

// put records what a word holds. An unknown word of an object is recorded too, for it is not zero.
func (r *registers) put(at, v value) {
	switch {
	case !v.known && at.kind != isObject:
		r.memory = r.memory.without(at)
	case len(r.memory) >= maxMemory:
		r.memory = knownWords{{at, v}}
	default:
		r.memory = r.memory.set(at, v)
	}
}

// maxMemory is how many words of memory are followed at a time.
const maxMemory = 1 << 10

// write records that size bytes at an address were written; v counts for 8 bytes only. What is written where nobody
// knows is taken not to be what is followed: a compiler writes an array where it makes it.
func (r *registers) write(at, v value, size int) {
	if at = at.add(0); !at.known {
		return
	}
	if size == 8 && at.n%8 == 0 {
		if r.store != nil {
			r.store(at, v)
		}
		r.put(at, v)
		return
	}
	for word := at.n &^ 7; word < at.n+uint64(size); word += 8 {
		w := at
		w.n = word
		r.put(w, value{})
		if r.store != nil {
			r.store(w, value{})
		}
	}
}

// forget drops the words that are reached through a pointer: at its address and above. A function's
// arguments are not reached through a pointer into its frame.
func (r *registers) forget(pointer value) {
	if !pointer.known || pointer.kind != isFrame && pointer.kind != isObject {
		return
	}
	from := int64(pointer.n)
	r.memory = slices.DeleteFunc(r.memory, func(c knownWord) bool {
		outside := pointer.kind == isFrame && from < 0 && int64(c.at.n) >= 0 // the arguments
		return c.at.kind == pointer.kind && c.at.site == pointer.site && int64(c.at.n) >= from && !outside
	})
}
