package binary

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// slots are the words of the data that hold the entry of a function: function values, method tables.
type slots struct {
	base  uint64   // address of the first byte of the data
	bits  bitset   // by word number from base: is it a slot?
	rank  []uint32 // how many slots there are before each word of bits
	fn    []int32  // what the slots hold, in their order
	last  uint64   // the number of the last one
	mixed bool     // there was one out of order
}

// holds says whether the word at an address is a slot.
func (s *slots) holds(address uint64) bool {
	return address >= s.base && address%8 == 0 && s.bits.has((address-s.base)/8)
}

// at returns the function that the word at an address holds.
func (s *slots) at(address uint64) (int32, bool) {
	if !s.holds(address) {
		return 0, false
	}
	n := (address - s.base) / 8
	before := s.bits[n/64] & (1<<(n%64) - 1)
	return s.fn[s.rank[n/64]+uint32(bits.OnesCount64(before))], true
}

// readSlots looks at every word of the data.
func (s *scanner) readSlots() error {
	parts := s.m.data(s.fns.table)
	if len(parts) == 0 {
		return nil
	}
	low, high := parts[0].start&^7, uint64(0)
	for _, part := range parts {
		high = max(high, part.end)
	}
	if (high-low)/16 > uint64(s.m.f.size)+1<<24 {
		return errors.New("reading the data: the segments lie too far apart")
	}
	s.slots = slots{base: low, bits: newBitset((high - low) / 8)}
	err := s.m.pointers(parts, s.text, uint64(s.fns.end), func(at, to uint64) {
		if !s.fns.table.holds(at) {
			s.addSlot(at, to)
		}
	})
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	if s.slots.mixed {
		return errors.New("reading the data: the segments overlap")
	}
	s.rankSlots()
	slices.Sort(s.inner)
	s.inner = slices.Compact(s.inner)
	held := newBitset(uint64(len(s.fns.entry)))
	err = s.m.pointers(parts, low, high-low, func(_, to uint64) {
		if fn, ok := s.slots.at(to); ok { // to is a function value
			held.set(uint64(fn))
		}
	})
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	for i := range s.fns.entry {
		if held.has(uint64(i)) {
			s.data = append(s.data, int32(i))
		}
	}
	return nil
}

// pointers calls see for every aligned word of some parts of the data that holds an address in [low, low+size).
func (m *memory) pointers(parts []span, low, size uint64, see func(at, to uint64)) error {
	if m.listed { // a tenth of the data
		for _, r := range m.relative {
			if r.to-low < size {
				see(r.at, r.to)
			}
		}
		return nil
	}
	for _, part := range parts {
		err := m.walk(part.start, part.end-part.start, 8, func(address uint64, b []byte, n int) {
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
	if len(s.slots.fn) >= maxSlots || len(s.inner) >= maxSlots {
		s.overflow = true
		return
	}
	fn, ok := s.fns.at(offset)
	if !ok {
		s.inner = append(s.inner, uint32(offset))
		return
	}
	if s.slots.holds(at) { // relocated twice
		return
	}
	if n < s.slots.last {
		s.slots.mixed = true
		return
	}
	s.slots.last = n
	s.slots.bits.set(n)
	s.slots.fn = append(s.slots.fn, fn)
}

// rankSlots counts the slots before each word of bits.
func (s *scanner) rankSlots() {
	s.slots.rank = make([]uint32, len(s.slots.bits))
	total := uint32(0)
	for i, w := range s.slots.bits {
		s.slots.rank[i] = total
		total += uint32(bits.OnesCount64(w))
	}
}
