package binary

import (
	"encoding/binary"

	"golang.org/x/arch/x86/x86asm"
)

// What follows an opcode: one of these, or several added up.
const (
	hasModRM = 1 << iota // a ModRM byte, perhaps a SIB byte and a displacement
	hasByte              // an immediate of 8 bits
	hasWord              // an immediate of 32 bits, 16 with an operand-size prefix
	isKnown              // nothing of these need follow
)

// opcodes and opcodes0F say what follows an opcode of one byte, and one of two bytes whose first is 0F. Those at zero are
// left to x86asm. Source: Intel SDM, volume 2, appendix A.
var opcodes, opcodes0F = func() (one, two [256]uint8) {
	fill := func(t *[256]uint8, from, to int, what uint8) {
		for i := from; i <= to; i++ {
			t[i] = what | isKnown
		}
	}
	for i := 0; i < 0x40; i += 8 {
		fill(&one, i, i+3, hasModRM)
		fill(&one, i+4, i+4, hasByte)
		fill(&one, i+5, i+5, hasWord)
	}
	fill(&one, 0x50, 0x5f, 0)
	fill(&one, 0x63, 0x63, hasModRM)
	fill(&one, 0x68, 0x68, hasWord)
	fill(&one, 0x69, 0x69, hasModRM|hasWord)
	fill(&one, 0x6a, 0x6a, hasByte)
	fill(&one, 0x6b, 0x6b, hasModRM|hasByte)
	fill(&one, 0x80, 0x80, hasModRM|hasByte)
	fill(&one, 0x81, 0x81, hasModRM|hasWord)
	fill(&one, 0x83, 0x83, hasModRM|hasByte)
	fill(&one, 0x84, 0x8b, hasModRM)
	fill(&one, 0x8d, 0x8d, hasModRM)
	fill(&one, 0x90, 0x99, 0)
	fill(&one, 0xa8, 0xa8, hasByte)
	fill(&one, 0xa9, 0xa9, hasWord)
	fill(&one, 0xb0, 0xb7, hasByte)
	fill(&one, 0xb8, 0xbf, hasWord)
	fill(&one, 0xc0, 0xc1, hasModRM|hasByte)
	fill(&one, 0xcc, 0xcc, 0)
	fill(&one, 0xd1, 0xd1, hasModRM)
	fill(&one, 0xd3, 0xd3, hasModRM)
	fill(&two, 0x10, 0x11, hasModRM)
	fill(&two, 0x1f, 0x1f, hasModRM)
	fill(&two, 0x28, 0x2f, hasModRM)
	fill(&two, 0x40, 0x4f, hasModRM)
	fill(&two, 0x51, 0x51, hasModRM)
	fill(&two, 0x54, 0x5f, hasModRM)
	fill(&two, 0x6e, 0x6f, hasModRM)
	fill(&two, 0x7e, 0x7f, hasModRM)
	fill(&two, 0x90, 0x9f, hasModRM)
	fill(&two, 0xa3, 0xa3, hasModRM)
	fill(&two, 0xaf, 0xaf, hasModRM)
	fill(&two, 0xb1, 0xb1, hasModRM)
	fill(&two, 0xb6, 0xb7, hasModRM)
	fill(&two, 0xbe, 0xbf, hasModRM)
	fill(&two, 0xc1, 0xc1, hasModRM)
	return one, two
}()

// enough are as many bytes as no instruction has.
const enough = 16

// flowAMD64 returns the size of the instruction at offset at from the text, and where it goes: what stepAMD64 says of it,
// without its arguments. False if it cannot be decoded.
func flowAMD64(b []byte, at int64) (hop, bool) {
	if s, ok := plainAMD64(b, at); ok {
		return s, true
	}
	if len(b) < enough {
		var padded [enough]byte
		copy(padded[:], b)
		if s, ok := plainAMD64(padded[:], at); ok && s.size <= len(b) {
			return s, true
		}
	}
	in, err := x86asm.Decode(b[:min(len(b), 15)], 64)
	if err != nil {
		return hop{}, false
	}
	return goesAMD64(in, at), true
}

// plainAMD64 decodes the instructions that compilers use most; false leaves the rest to x86asm.
func plainAMD64(b []byte, at int64) (hop, bool) {
	s, i, word := hop{target: -1}, 0, 4
	if len(b) < enough {
		return s, false
	}
	rex := byte(0)
	if b[0]&0xf0 == 0x40 {
		rex, i = b[0], 1
	}
	op := b[i]
	i++
	what := opcodes[op]
	switch {
	case op == 0x0f:
		return twoBytes(b, i, at)
	case op == 0xe8 || op == 0xe9:
		s.size, s.flow = i+4, flowCall
		if op == 0xe9 {
			s.flow = flowJump
		}
		s.target = at + int64(s.size) + int64(int32(binary.LittleEndian.Uint32(b[i:])))
		return s, rex == 0
	case op == 0xeb || op&0xf0 == 0x70:
		s.size, s.flow = i+1, flowBranch
		if op == 0xeb {
			s.flow = flowJump
		}
		s.target = at + int64(s.size) + int64(int8(b[i]))
		return s, rex == 0
	case op == 0x66 && b[i] == 0x90: // NOP
		s.size = i + 1
		return s, rex == 0
	case op == 0xff && b[i]&0x38 == 0x10 && b[i] >= 0xc0: // CALL of a register
		s.size, s.flow = i+1, flowCall
		return s, true
	case op == 0xc3:
		s.size, s.flow = i, flowJump
		return s, rex == 0
	case op&0xf8 == 0xb8 && rex&8 != 0:
		word = 8
	case op == 0xc6 || op == 0xc7:
		if b[i]&0x38 != 0 {
			return s, false
		}
		what = isKnown | hasModRM | hasByte
		if op == 0xc7 {
			what = isKnown | hasModRM | hasWord
		}
	}
	if what == 0 {
		return s, false
	}
	s.size = i + following(b[i:], what, word)
	return s, true
}

// twoBytes decodes what follows 0F at i.
func twoBytes(b []byte, i int, at int64) (hop, bool) {
	s, op := hop{target: -1}, b[i]
	i++
	if op&0xf0 == 0x80 {
		s.size, s.flow = i+4, flowBranch
		s.target = at + int64(s.size) + int64(int32(binary.LittleEndian.Uint32(b[i:])))
		return s, i == 2
	}
	if opcodes0F[op] == 0 {
		return s, false
	}
	s.size = i + following(b[i:], opcodes0F[op], 4)
	return s, true
}

// following is the number of bytes behind an opcode.
func following(b []byte, what uint8, word int) int {
	n := 0
	if what&hasModRM != 0 {
		mod, rm := b[0]>>6, b[0]&7
		n = 1
		if rm == 4 && mod != 3 {
			if n = 2; mod == 0 && b[1]&7 == 5 {
				n += 4
			}
		}
		switch {
		case mod == 0 && rm == 5, mod == 2:
			n += 4
		case mod == 1:
			n++
		}
	}
	if what&hasByte != 0 {
		n++
	}
	if what&hasWord != 0 {
		n += word
	}
	return n
}
