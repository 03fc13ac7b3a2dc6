package binary

import (
	"debug/elf"
	"encoding/binary"
	"slices"
)

// variable is a part of the data whose writers were looked for.
type variable struct {
	low, high uint64
	stores    map[uint64][]value // what the program's code sets its words to
	unknown   bool               // it may be set otherwise
}

// Limits of what is looked through: functions that refer to a variable, and variables of a program, each of which
// takes a look at the whole text.
const (
	maxWriters   = 64
	maxVariables = 64
)

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

// writers returns the functions whose code refers to an address in [low, high) other than by loading it.
func (p *program) writers(low, high uint64) ([]int32, bool) {
	var fns []int32
	see := func(at uint64) {
		offset := uint32(at - p.mod.text)
		i, exact := slices.BinarySearch(p.fns.entry, offset)
		if !exact {
			i--
		}
		if fn := int32(max(i, 0)); !slices.Contains(fns, fn) && len(fns) <= maxWriters {
			fns = append(fns, fn)
		}
	}
	scan := writersAMD64
	if p.m.f.machine == elf.EM_AARCH64 {
		scan = writersARM64
	}
	err := p.m.walk(p.mod.text, p.mod.etext-p.mod.text, 64, func(address uint64, b []byte, n int) {
		scan(address, b, n, low, high, see)
	})
	return fns, err == nil && len(fns) <= maxWriters
}

// writersAMD64 looks at every byte for a ModRM of mod 00, rm 101 and what may follow it: a displacement from the end
// of the instruction, after which there may be an immediate of 1 or 4 bytes. Source: Intel SDM, volume 2.
func writersAMD64(address uint64, b []byte, n int, low, high uint64, see func(uint64)) {
	for i := 2; i < n+2 && i+5 <= len(b); i++ {
		if b[i]&0xc7 != 0x05 {
			continue
		}
		to := address + uint64(i) + 5 + uint64(int64(int32(binary.LittleEndian.Uint32(b[i+1:]))))
		if to+4 < low || to >= high { // the sum of both is at most 4 more
			continue
		}
		load := b[i-1] == 0x8b || b[i-2] == 0x0f && b[i-1] == 0x10 // MOV, MOVUPS
		if hit := to >= low || to+1 >= low && to+1 < high || to+4 < high; hit && !load {
			see(address + uint64(i))
		}
	}
}

// writersARM64 looks for ADRP and, soon after, ADD or STR on the same register. Source: Arm ARM for A-profile, C6.2.
func writersARM64(address uint64, b []byte, n int, low, high uint64, see func(uint64)) {
	const soon = 8 // instructions
	for i := 0; i < n && i+4 <= len(b); i += 4 {
		w := binary.LittleEndian.Uint32(b[i:])
		if w&0x9f000000 != 0x90000000 {
			continue
		}
		page, reg := adrp(address+uint64(i), w), w&31
		if page+0x1000+0x8000 <= low || page >= high {
			continue
		}
		for j := i + 4; j <= i+4*soon && j+4 <= len(b); j += 4 {
			w := binary.LittleEndian.Uint32(b[j:])
			if w>>5&31 != reg {
				continue
			}
			imm := uint64(w >> 10 & 0xfff)
			switch {
			case w&0xffc00000 == 0x91000000: // ADD
				loaded := false
				if j+8 <= len(b) {
					next := binary.LittleEndian.Uint32(b[j+4:])
					loaded = next>>5&31 == w&31 && (next&0xffc00000 == 0xf9400000 || next&0xffc00000 == 0xa9400000) // LDR, LDP
				}
				if to := page + imm; to >= low && to < high && !loaded {
					see(address + uint64(i))
				}
			case w&0xffc00000 == 0xf9000000: // STR
				if to := page + imm*8; to >= low && to < high {
					see(address + uint64(i))
				}
			}
		}
	}
}
