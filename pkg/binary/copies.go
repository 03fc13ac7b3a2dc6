package binary

import (
	"debug/elf"
	"encoding/binary"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// copies says whether a function, from one offset to another, copies memory in a way that the tracer does not follow: by
// a loop, a repeated instruction, or a function of the runtime. What is made there may then hold anything. Loops that
// only write zeros are none.
// Source: cmd/compile/internal/amd64/ssa.go and arm64/ssa.go, OpAMD64LoweredMove and its kin.
func (p *program) copies(fn int32, from, to uint32) bool {
	b, ok := p.body(fn)
	if !ok {
		return true
	}
	found, stored := false, int64(-1) // where something but zero was last stored through a pointer
	p.hops(b, func(at int64, s hop) {
		if at < int64(from) || at >= int64(to) {
			return
		}
		code := b.code[at-int64(b.start):]
		switch p.m.f.machine {
		case elf.EM_X86_64:
			in, err := x86asm.Decode(code[:min(len(code), 15)], 64)
			found = found || err != nil || in.Op == x86asm.MOVSQ || in.Op == x86asm.MOVSB
			if err == nil && copiesAMD64(in) {
				stored = at
			}
		case elf.EM_AARCH64:
			if copiesARM64(binary.LittleEndian.Uint32(code)) {
				stored = at
			}
		}
		switch {
		case s.flow == flowBranch && s.target >= int64(from) && s.target <= stored:
			found = true
		case s.flow == flowCall && s.target >= 0:
			switch name := p.name(p.functionAt(uint32(s.target))); name {
			case "runtime.duffcopy", "runtime.memmove", "runtime.typedmemmove", "runtime.wbMove":
				found = true
			default:
				found = found || strings.HasPrefix(name, "runtime.duffcopy") // with a suffix for its ABI
			}
		}
	})
	return found
}

// copiesAMD64 says whether an instruction stores a vector that is not the one of zeros.
func copiesAMD64(in x86asm.Inst) bool {
	m, memory := in.Args[0].(x86asm.Mem)
	x, ok := vector(in.Args[1])
	return in.Op == x86asm.MOVUPS && memory && ok && x != zeroAMD64 && m.Base != x86asm.RSP
}

// copiesARM64 says whether an instruction stores two registers and moves on, other than XZR.
// Source: Arm ARM for A-profile, C6.2 STP, C7.2 STP (SIMD&FP).
func copiesARM64(w uint32) bool {
	const none = 31
	switch w & 0xffc00000 {
	case 0xa8800000, 0xf8000000: // STP and STR of general registers, after which the address moves
		return w&31 != none
	case 0xac800000: // STP of vectors
		return true
	}
	return false
}
