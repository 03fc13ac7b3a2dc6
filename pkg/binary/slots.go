package binary

import "math/bits"

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

// count counts the slots before each word of bits.
func (s *slots) count() {
	s.rank = make([]uint32, len(s.bits))
	total := uint32(0)
	for i, w := range s.bits {
		s.rank[i] = total
		total += uint32(bits.OnesCount64(w))
	}
}
