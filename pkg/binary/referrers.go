package binary

import (
	"debug/elf"
	"encoding/binary"
)

// referrers returns the places whose code refers to the word at an address: loads it, or otherwise.
func (p *program) referrers(at uint64) []use {
	var all []use
	see := func(address uint64, h how) {
		offset := uint32(address - p.mod.text)
		all = append(all, use{caller: p.functionAt(offset), at: offset, how: h})
	}
	scan := referrersAMD64
	if p.m.f.machine == elf.EM_AARCH64 {
		scan = referrersARM64
	}
	const extra = 64
	err := p.m.walk(p.mod.text, p.mod.etext-p.mod.text, extra, func(address uint64, b []byte, n int) {
		scan(address, b, n, at, see)
	})
	if err != nil { // nobody knows who does
		return []use{{how: sets}}
	}
	return all
}

// referrersAMD64 looks at every byte for what writersAMD64 looks for, and for loads too.
func referrersAMD64(address uint64, b []byte, n int, at uint64, see func(uint64, how)) {
	for i := 2; i < n+2 && i+5 <= len(b); i++ {
		if b[i]&0xc7 != 0x05 {
			continue
		}
		to := address + uint64(i) + 5 + uint64(int64(int32(binary.LittleEndian.Uint32(b[i+1:]))))
		switch over := at - to; { // how much follows the displacement
		case over == 0 && (b[i-1] == 0x8b || b[i-2] == 0x0f && b[i-1] == 0x10): // MOV, MOVUPS
			see(address+uint64(i), loads)
		case over == 0 || over == 1 || over == 4:
			see(address+uint64(i), sets)
		}
	}
}

// referrersARM64 looks for ADRP and, soon after, a use of the same register.
func referrersARM64(address uint64, b []byte, n int, at uint64, see func(uint64, how)) {
	const soon = 8 // instructions
	for i := 0; i < n && i+4 <= len(b); i += 4 {
		w := binary.LittleEndian.Uint32(b[i:])
		if w&0x9f000000 != 0x90000000 || adrp(address+uint64(i), w) != at&^0xfff {
			continue
		}
		for j := i + 4; j <= i+4*soon && j+4 <= len(b); j += 4 {
			v := binary.LittleEndian.Uint32(b[j:])
			imm := uint64(v >> 10 & 0xfff)
			switch {
			case v>>5&31 != w&31:
			case v&0xffc00000 == 0xf9400000 && imm*8 == at&0xfff: // LDR
				see(address+uint64(i), loads)
			case v&0xffc00000 == 0xf9000000 && imm*8 == at&0xfff: // STR
				see(address+uint64(i), sets)
			case v&0xffc00000 == 0x91000000 && imm == at&0xfff: // ADD
				h := sets
				if j+8 <= len(b) {
					next := binary.LittleEndian.Uint32(b[j+4:])
					if next>>5&31 == v&31 && (next&0xffc00000 == 0xf9400000 || next&0xffc00000 == 0xa9400000) { // LDR, LDP
						h = loads
					}
				}
				see(address+uint64(i), h)
			}
		}
	}
}
