package binary

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// slots are the words of the data that hold the entry of a function: function values, method tables.
type slots struct {
	base uint64   // address of the first byte of the data
	bits []uint64 // one for each aligned word: is it a slot?
	word []uint32 // the slots, as word numbers from base, ascending
	fn   []int32
}

// holds says whether the word at an address is a slot.
func (s *slots) holds(address uint64) bool {
	n := (address - s.base) / 8
	return address >= s.base && address%8 == 0 && n/64 < uint64(len(s.bits)) && s.bits[n/64]>>(n%64)&1 != 0
}

// at returns the function that the word at an address holds.
func (s *slots) at(address uint64) (int32, bool) {
	if !s.holds(address) {
		return 0, false
	}
	i, ok := slices.BinarySearch(s.word, uint32((address-s.base)/8))
	if !ok {
		return 0, false
	}
	return s.fn[i], true
}

// readSlots looks at every word of the data.
func (s *scanner) readSlots(t *pclntab, mod *module) error {
	loads := slices.DeleteFunc(s.m.loads(), func(seg segment) bool { return seg.access&elf.PF_X != 0 })
	if len(loads) == 0 {
		return nil
	}
	slices.SortFunc(loads, func(a, b segment) int {
		if a.vaddr < b.vaddr {
			return -1
		}
		return 1
	})
	low, high := loads[0].vaddr, uint64(0)
	for _, seg := range loads {
		high = max(high, seg.vaddr+seg.size)
	}
	low &^= 7
	if (high-low)/16 > uint64(s.m.f.size)+1<<24 {
		return errors.New("reading the data: the segments lie too far apart")
	}
	s.slots = slots{base: low, bits: make([]uint64, (high-low)/8/64+1)}
	text, size := s.text, uint64(s.fns.end)
	table := s.m.entries(t)
	err := s.m.pointers(loads, text, size, func(at, to uint64) {
		if at-t.records >= table {
			s.addSlot(at, to)
		}
	})
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	if err := s.sortSlots(); err != nil {
		return err
	}
	err = s.m.pointers(loads, low, high-low, func(_, to uint64) {
		if fn, ok := s.slots.at(to); ok { // to is a function value
			s.data = append(s.data, fn)
		}
	})
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	slices.Sort(s.data)
	s.data = slices.Compact(s.data)
	return nil
}

// entries returns how many bytes of the function table, from its index on, hold the entry of each function as a word:
// they are no function values. Since 1.18 there are none.
func (m *memory) entries(t *pclntab) uint64 {
	if t.format != format116 {
		return 0
	}
	last, ok := m.word(t.records + (t.functions-1)*t.indexEntry() + t.ptr)
	if _, length, err := m.f.offset(t.records); !ok || err != nil || last >= length {
		return t.functions * t.indexEntry()
	}
	return last + t.ptr
}

// pointers calls see for every aligned word of the segments that holds an address in [low, low+size).
func (m *memory) pointers(loads []segment, low, size uint64, see func(at, to uint64)) error {
	if len(m.relative) > 0 {
		for _, r := range m.relative {
			if r.to-low < size {
				see(r.at, r.to)
			}
		}
		return nil
	}
	if m.pointerCount > 0 { // a tenth of the data
		return m.walkRelative(m.pointersAt, m.pointerCount, relativeRelocation[m.f.machine], func(r relocation) bool {
			if r.to-low < size {
				see(r.at, r.to)
			}
			return true
		})
	}
	for _, seg := range loads {
		err := m.walk(seg.vaddr, seg.size, 8, func(address uint64, b []byte, n int) {
			for i := -address % 8; i < uint64(n) && i+8 <= uint64(len(b)); i += 8 {
				if w := binary.LittleEndian.Uint64(b[i:]); w-low < size {
					see(address+i, w)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addSlot records that the word at an address holds another, if that is in the text.
func (s *scanner) addSlot(at, to uint64) {
	offset := to - s.text
	n := (at - s.slots.base) / 8
	if offset >= uint64(s.fns.end) || at < s.slots.base || at%8 != 0 || n/64 >= uint64(len(s.slots.bits)) {
		return
	}
	if len(s.slots.word) >= maxSlots || len(s.inner) >= maxSlots {
		s.overflow = true
		return
	}
	if fn, ok := s.fns.at(offset); ok {
		s.slots.bits[n/64] |= 1 << (n % 64)
		s.slots.word, s.slots.fn = append(s.slots.word, uint32(n)), append(s.slots.fn, fn)
		return
	}
	s.inner = append(s.inner, uint32(offset))
}

// sortSlots sorts the jump targets and checks the order of the slots.
func (s *scanner) sortSlots() error {
	slices.Sort(s.inner)
	s.inner = slices.Compact(s.inner)
	if !slices.IsSorted(s.slots.word) {
		return errors.New("reading the data: the segments overlap")
	}
	return nil
}
