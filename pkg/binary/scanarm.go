package binary

import "encoding/binary"

// newScanARM64 returns a visitor that looks for BL and B (imm26), and for ADRP followed by ADD on the same register,
// which is how an address is loaded. Source: Arm ARM for A-profile, C6.2.
func (s *scanner) newScanARM64() func(uint64, []byte, int) {
	var page [32]uint64 // what ADRP put into each register
	var set uint32      // which of them hold a page
	return func(address uint64, b []byte, n int) {
		base := uint32(address - s.text)
		for i := 0; i < n && i+4 <= len(b); i += 4 {
			w := binary.LittleEndian.Uint32(b[i:])
			at := base + uint32(i)
			if at >= s.border {
				s.enter(at)
				set = 0
			}
			switch {
			case w>>26 == 0x25 || w>>26 == 0x05: // BL, B
				to := uint64(int64(at) + int64(int32(w<<6)>>4))
				if fn, ok := s.fns.at(to); ok {
					s.add(fn, at, true)
				}
			case w&0x9f000000 == 0x90000000: // ADRP
				page[w&31] = adrp(address+uint64(i), w)
				set |= 1 << (w & 31)
				s.mentionsARM64(page[w&31], w&31, at, b[i+4:])
			case w&0xffc00000 == 0x91000000: // ADD (immediate), 64 bits, no shift
				if from := w >> 5 & 31; set>>from&1 != 0 {
					s.addAddress(page[from]+uint64(w>>10&0xfff), at)
				}
				set &^= 1 << (w & 31)
			}
		}
	}
}

// lookAhead is how many instructions behind an ADRP its register is followed for.
const lookAhead = 8

// mentionsARM64 looks in what follows an ADRP for ADD, unless a load uses its result at once, and STR on the same
// register. Source: Arm ARM for A-profile, C6.2.
func (s *scanner) mentionsARM64(page uint64, reg, at uint32, b []byte) {
	const reach = 0x1000 + 0x8000 // of STR
	if page+reach-s.mentions.low >= s.mentions.size+reach {
		return
	}
	for i := 0; i < 4*lookAhead && i+4 <= len(b); i += 4 {
		w := binary.LittleEndian.Uint32(b[i:])
		if w>>5&31 != reg {
			continue
		}
		imm := uint64(w >> 10 & 0xfff)
		switch {
		case w&0xffc00000 == 0x91000000: // ADD
			loaded := false
			if i+8 <= len(b) {
				next := binary.LittleEndian.Uint32(b[i+4:])
				loaded = next>>5&31 == w&31 && (next&0xffc00000 == 0xf9400000 || next&0xffc00000 == 0xa9400000) // LDR, LDP
			}
			if !loaded {
				s.mentions.add(at, page+imm)
			}
		case w&0xffc00000 == 0xf9000000: // STR
			s.mentions.add(at, page+imm*8)
		}
	}
}

// adrp returns the address of the page that an ADRP instruction at pc loads.
func adrp(pc uint64, w uint32) uint64 {
	imm := int64(int32(w>>5&0x7ffff<<13))>>11 | int64(w>>29&3) // 21 bits, signed
	return pc&^0xfff + uint64(imm<<12)
}
