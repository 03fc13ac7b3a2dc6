package binary

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/internal/secret"
)

// data is what the one walk over the data of a program finds.
type data struct {
	slots   slots
	inner   []uint32            // addresses inside functions that words hold, as offsets from the text: jump tables
	held    []int32             // functions that a variable holds before the program starts, ascending
	structs map[string][]uint64 // the addresses of the types of wantedStructs
	secrets []Secret
}

// maxSecrets is how many secrets of a program are kept.
const maxSecrets = 64

// readData reads what is neither code nor the function table. What is in the code is no text.
func readData(m *memory, mod *module, fns *functions) (*data, error) {
	d := &data{}
	parts := m.data(fns.table)
	types := typeSearch{m: m, span: span{mod.types, mod.etypes}}
	words, err := newSlotReader(m, mod.text, fns, parts)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		base := m.fileOffset(part.start)
		err := m.walk(part.start, part.end-part.start, secret.Reach, func(address uint64, b []byte, n int) {
			secret.Find(b, n, func(shape string, at int) {
				if shape != secret.AWSKeyID && len(d.secrets) < maxSecrets {
					d.secrets = append(d.secrets, Secret{Shape: shape, Offset: base + int64(address-part.start) + int64(at)})
				}
			})
			types.see(address, b, n)
			words.see(address, b, n)
		})
		if err != nil {
			return nil, fmt.Errorf("reading the data: %w", err)
		}
	}
	slices.SortFunc(d.secrets, func(x, y Secret) int { return cmp.Compare(x.Offset, y.Offset) })
	d.structs = types.found()
	d.slots, d.inner, d.held, err = words.found()
	return d, err
}

// slotReader looks for the words that hold addresses of the text, and for the words that others point to.
type slotReader struct {
	m       *memory
	text    uint64
	fns     *functions
	all     span // what is looked for
	slots   slots
	inner   []uint32
	pointed bitset // by word number from slots.base
	full    bool
}

// newSlotReader reads the words that are relocated, if these are all, which are a tenth of the data.
func newSlotReader(m *memory, text uint64, fns *functions, parts []span) (*slotReader, error) {
	r := &slotReader{m: m, text: text, fns: fns}
	if len(parts) == 0 || m.f.machine != elf.EM_X86_64 && m.f.machine != elf.EM_AARCH64 {
		return r, nil
	}
	low, high := parts[0].start&^7, uint64(0)
	for _, part := range parts {
		high = max(high, part.end)
	}
	if (high-low)/16 > uint64(m.f.size)+1<<24 {
		return nil, errors.New("reading the data: the segments lie too far apart")
	}
	r.slots, r.pointed = slots{base: low, bits: newBitset((high - low) / 8)}, newBitset((high-low)/8)
	r.all = span{min(low, text), max(high, text+uint64(fns.end))}
	if m.listed {
		for _, w := range m.relative {
			r.add(w.at, w.to)
		}
	}
	return r, nil
}

// see looks at every aligned word.
func (r *slotReader) see(address uint64, b []byte, n int) {
	if r.m.listed {
		return
	}
	low, size := r.all.start, r.all.end-r.all.start
	for i := -address % 8; i < uint64(n) && i+8 <= uint64(len(b)); i += 8 {
		if w := binary.LittleEndian.Uint64(b[i:]); w-low < size {
			r.add(address+i, w)
		}
	}
}

// add records that the word at an address holds another, if that is in the text or in the data.
func (r *slotReader) add(at, to uint64) {
	offset, n := to-r.text, (at-r.slots.base)/8
	switch word := (to - r.slots.base) / 8; {
	case offset >= uint64(r.fns.end):
		if to >= r.slots.base && to%8 == 0 && word/64 < uint64(len(r.pointed)) {
			r.pointed.set(word)
		}
		return
	case r.fns.table.holds(at) || at < r.slots.base || at%8 != 0 || n/64 >= uint64(len(r.slots.bits)):
		return
	case len(r.slots.fn) >= maxSlots || len(r.inner) >= maxSlots:
		r.full = true
		return
	}
	fn, ok := r.fns.at(offset)
	switch {
	case !ok:
		r.inner = append(r.inner, uint32(offset))
	case r.slots.holds(at): // relocated twice
	case n < r.slots.last:
		r.slots.mixed = true
	default:
		r.slots.last = n
		r.slots.bits.set(n)
		r.slots.fn = append(r.slots.fn, fn)
	}
}

// found returns the slots, the addresses inside functions, and the functions that variables hold.
func (r *slotReader) found() (slots, []uint32, []int32, error) {
	if r.slots.mixed {
		return slots{}, nil, nil, errors.New("reading the data: the segments overlap")
	}
	if r.full {
		return slots{}, nil, nil, fmt.Errorf("reading the data: more than %d words hold addresses of the text", maxSlots)
	}
	r.slots.count()
	slices.Sort(r.inner)
	return r.slots, slices.Compact(r.inner), r.held(), nil
}

// held returns the functions whose function values words of the data point to, ascending.
func (r *slotReader) held() []int32 {
	held := newBitset(uint64(len(r.fns.entry)))
	n := 0
	for i, w := range r.slots.bits {
		for ; w != 0; w &= w - 1 {
			if r.pointed[i]&w&-w != 0 {
				held.set(uint64(r.slots.fn[n]))
			}
			n++
		}
	}
	var all []int32
	for i := range r.fns.entry {
		if held.has(uint64(i)) {
			all = append(all, int32(i))
		}
	}
	return all
}
