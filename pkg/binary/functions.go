package binary

import (
	"errors"
	"fmt"
	"slices"
)

// functions is the list of all functions of a program, by entry. Names stay in the file until they are asked for:
// a large program has 100,000.
type functions struct {
	entry []uint32 // offset from the text, ascending
	name  []uint32 // offset from pclntab.names
	end   uint32   // of the last function
	first []uint32 // for each block of the text, the last function that starts at or before it
	table span     // the function table, from the names up to the last record
}

const blockBits = 8 // a block of text has 256 bytes

// inlined says that a function's code was copied into another.
type inlined struct {
	name  uint32 // offset from pclntab.names
	owner int32  // index of the function it is part of
}

// readFunctions reads all functions, and of those inlined only the ones whose names are wanted.
func readFunctions(m *memory, t *pclntab, mod *module, wanted bitset) (*functions, []inlined, error) {
	f := &functions{entry: make([]uint32, 0, t.functions), name: make([]uint32, 0, t.functions), end: uint32(mod.etext - mod.text), table: span{start: t.names}}
	records := m.f.clone()
	trees := inlineReader{m: m, table: t, wanted: wanted, budget: maxOverlap * m.f.size}
	size, last := t.indexEntry(), uint64(0)
	var failed error
	err := m.walkUntil(t.records, t.functions*size, 0, func(address uint64, b []byte, n int) bool {
		for ; len(b) > 0 && failed == nil; address, b = address+size, b[size:] {
			entry, offset := uint64(m.f.order.Uint32(b)), uint64(m.f.order.Uint32(b[size/2:]))
			if t.format == format116 {
				entry, offset = m.f.word(b), m.f.word(b[size/2:])
				if w, ok := m.word(address); ok { // relocated
					entry = w
				}
				entry -= mod.text
			}
			i := len(f.entry)
			if entry >= uint64(f.end) || entry < last {
				failed = fmt.Errorf("reading the function index: entry %d is out of order", i)
				break
			}
			var r record
			if r, failed = t.readRecord(records, offset, mod.gofunc); failed != nil {
				break
			}
			f.entry, f.name, last = append(f.entry, uint32(entry)), append(f.name, r.name), entry
			f.table.end = max(f.table.end, t.records+offset)
			trees.read(r, int32(i))
		}
		return failed != nil
	})
	if err != nil {
		failed = fmt.Errorf("reading the function index: %w", err)
	}
	if failed != nil {
		return nil, nil, failed
	}
	if trees.budget < 0 {
		return nil, nil, errors.New("reading the inlined functions: the tables overlap")
	}
	f.index()
	return f, trees.found, nil
}

// index fills first.
func (f *functions) index() {
	f.first = make([]uint32, f.end>>blockBits+1)
	i := uint32(0)
	for block := range f.first {
		for int(i)+1 < len(f.entry) && f.entry[i+1] <= uint32(block)<<blockBits {
			i++
		}
		f.first[block] = i
	}
}

// at returns the function whose entry is exactly at offset from the text, the last if there are empty ones before it.
func (f *functions) at(offset uint64) (int32, bool) {
	if offset >= uint64(f.end) {
		return 0, false
	}
	low, high := f.first[offset>>blockBits], uint32(len(f.entry)-1)
	if next := offset>>blockBits + 1; next < uint64(len(f.first)) {
		high = f.first[next]
	}
	for low < high {
		if mid := (low + high + 1) / 2; uint64(f.entry[mid]) <= offset {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return int32(low), uint64(f.entry[low]) == offset
}

// around returns the function that an offset from the text is in.
func (f *functions) around(offset uint32) int32 {
	fn, _ := f.at(uint64(offset))
	return fn
}

// span returns where a function starts and ends, as offsets from the text.
func (f *functions) span(fn int32) (start, end uint32) {
	if int(fn)+1 < len(f.entry) {
		return f.entry[fn], f.entry[fn+1]
	}
	return f.entry[fn], f.end
}

// inlineReader reads the trees of inlined functions.
type inlineReader struct {
	m      *memory
	table  *pclntab
	wanted bitset // by offset from pclntab.names
	buf    [16 * 20]byte
	found  []inlined
	// budget is how many bytes may still be read: a file may let a million functions share one large table.
	budget int64
}

// Limits of a tree; the largest seen in real programs has some hundred entries.
const (
	maxInlined   = 1 << 12
	maxPCValues  = 1 << 18 // bytes of a pc-value table
	maxAllInline = 1 << 18 // wanted inlined functions of a whole program
)

// read adds the wanted functions that are inlined into owner. A tree that cannot be read has none.
// Source: runtime/symtabinl.go, inlinedCall: 16 bytes with the name at 4 since 1.20, 20 with the name at 12 before.
func (r *inlineReader) read(rec record, owner int32) {
	if rec.inlTree == 0 || len(r.found) > maxAllInline || r.budget < 0 {
		return
	}
	size, nameAt := 16, 4
	if r.table.format < format120 {
		size, nameAt = 20, 12
	}
	count := r.count(rec.inlPCs)
	r.budget -= int64(count * size)
	start := len(r.found)
	for i := 0; i < count; {
		n := min(count-i, 16)
		if !r.m.read(rec.inlTree+uint64(i*size), r.buf[:n*size]) {
			return
		}
		for j := range n {
			one := inlined{r.m.f.order.Uint32(r.buf[j*size+nameAt:]), owner}
			if r.wanted.has(uint64(one.name)) && !slices.Contains(r.found[start:], one) {
				r.found = append(r.found, one)
			}
		}
		i += n
	}
}

// count returns how many entries a tree has: one more than the largest value of the table that indexes it. A
// pc-value table is a list of pairs, a zigzag difference of values (from -1 on) and a difference of addresses; a
// difference of zero ends it. Source: runtime/symtab.go, step.
func (r *inlineReader) count(at uint64) int {
	v := varints{m: r.m, at: at, left: maxPCValues}
	value, most := int32(-1), int32(-1)
	for first := true; ; first = false {
		d := v.next()
		if d == 0 && !first || v.bad {
			break
		}
		if d&1 != 0 {
			d = ^(d >> 1)
		} else {
			d >>= 1
		}
		value += int32(d)
		v.next()
		most = max(most, value)
	}
	r.budget -= int64(v.at - at)
	return int(min(most+1, maxInlined))
}

// varints reads numbers of seven bits a byte, the lowest first.
type varints struct {
	m    *memory
	b    []byte
	at   uint64 // address of what follows b
	left uint64
	bad  bool // a number could not be read
}

func (v *varints) next() uint32 {
	if len(v.b) > 0 && v.b[0] < 0x80 { // most are small
		n := v.b[0]
		v.b = v.b[1:]
		return uint32(n)
	}
	var n uint32
	for shift := 0; shift < 35; shift += 7 {
		if len(v.b) == 0 && !v.fill() {
			break
		}
		c := v.b[0]
		v.b = v.b[1:]
		n |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	v.bad = true
	return 0
}

// fill reads the next few bytes.
func (v *varints) fill() bool {
	v.b = v.m.view(v.at, min(v.left, 64))
	n := uint64(len(v.b))
	v.at, v.left = v.at+n, v.left-n
	return n > 0
}
