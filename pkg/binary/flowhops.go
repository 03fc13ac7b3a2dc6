package binary

import (
	"debug/elf"
	"encoding/binary"
)

// ends says how a line of code goes on where the flow itself does not tell.
type ends uint8

const (
	goesOn   ends = iota
	returns       // to the caller, or it waits for ever
	branches      // to a target or on
	jumps         // to a target
	switches      // to one of the targets of a jump table
	calls         // and comes back
	stops         // nowhere: the runtime has seen to it that this is not reached
)

// ending returns how an instruction goes on, given where the flow goes.
func (p *program) ending(h hop, code []byte) ends {
	switch h.flow {
	case flowNext:
		return goesOn
	case flowBranch:
		return branches
	case flowCall:
		return calls
	}
	if h.target >= 0 {
		return jumps
	}
	if p.m.f.machine == elf.EM_AARCH64 {
		switch w := binary.LittleEndian.Uint32(code); {
		case w&^(31<<5) == 0xd65f0000: // RET
			return returns
		case w&^(31<<5) == 0xd61f0000: // BR
			return switches
		}
		return stops
	}
	if code[0]&0xf0 == 0x40 { // REX
		code = code[1:]
	}
	switch code[0] {
	case 0xc2, 0xc3: // RET
		return returns
	case 0xff: // JMP r/m64
		return switches
	}
	return stops
}

// flowARM64 says where an instruction of arm64 goes. Source: Arm ARM for A-profile, C4.1.65, "Branches, Exception
// Generating and System instructions".
func flowARM64(w uint32, at int64) hop {
	h := hop{size: 4, target: -1}
	relative := func(low, bits uint) int64 { return at + int64(int32(w<<(32-low-bits))>>(32-bits))*4 }
	switch {
	case w>>26 == 0x05: // B
		h.flow, h.target = flowJump, relative(0, 26)
	case w>>26 == 0x25: // BL
		h.flow, h.target = flowCall, relative(0, 26)
	case w>>24 == 0x54, w>>25&0x3f == 0x1a: // B.cond; CBZ, CBNZ
		h.flow, h.target = flowBranch, relative(5, 19)
	case w>>25&0x3f == 0x1b: // TBZ, TBNZ
		h.flow, h.target = flowBranch, relative(5, 14)
	case w&^(31<<5) == 0xd63f0000: // BLR
		h.flow = flowCall
	case w&^(31<<5) == 0xd61f0000, w&^(31<<5) == 0xd65f0000, w>>21 == 0x6a1: // BR, RET, BRK
		h.flow = flowJump
	}
	return h
}

// visit shows each instruction of a function as far as the flow goes, and its bytes; false if one could not be decoded.
func (p *program) visit(b body, see func(at int64, h hop, code []byte)) bool {
	if p.m.f.machine == elf.EM_AARCH64 {
		for i := 0; i+4 <= len(b.code); i += 4 {
			at := int64(b.start) + int64(i)
			see(at, flowARM64(binary.LittleEndian.Uint32(b.code[i:]), at), b.code[i:])
		}
		return true
	}
	for i := 0; i < len(b.code); {
		at := int64(b.start) + int64(i)
		h, ok := flowAMD64(b.code[i:], at)
		if !ok || h.size <= 0 || i+h.size > len(b.code) {
			return false
		}
		see(at, h, b.code[i:])
		i += h.size
	}
	return true
}

// addresses finds the functions whose address instructions load, as the scanner of the text does.
type addresses struct {
	*program
	page [32]uint64 // what ADRP put into each register
	set  uint32     // which of them hold a page
}

// loaded returns the function whose address an instruction loads, its entry or a word that holds it.
func (a *addresses) loaded(at int64, code []byte) (int32, bool) {
	if a.m.f.machine == elf.EM_AARCH64 {
		w := binary.LittleEndian.Uint32(code)
		switch {
		case w&0x9f000000 == 0x90000000: // ADRP
			a.page[w&31] = adrp(a.mod.text+uint64(at), w)
			a.set |= 1 << (w & 31)
		case w&0xffc00000 == 0x91000000: // ADD (immediate)
			from := w >> 5 & 31
			known := a.set>>from&1 != 0
			a.set &^= 1 << (w & 31)
			if known {
				return a.functionOf(a.page[from] + uint64(w>>10&0xfff))
			}
		}
		return 0, false
	}
	if len(code) < 7 || code[0]&0xfb != 0x48 || code[1] != leaAMD64 || code[2]&0xc7 != 5 {
		return 0, false
	}
	return a.functionOf(a.mod.text + uint64(at+7+int64(int32(binary.LittleEndian.Uint32(code[3:])))))
}

// functionOf returns the function that an address or the word there is the entry of.
func (p *program) functionOf(address uint64) (int32, bool) {
	if offset := address - p.mod.text; offset < uint64(p.fns.end) {
		return p.fns.at(offset)
	}
	return p.graph.slots.at(address)
}
