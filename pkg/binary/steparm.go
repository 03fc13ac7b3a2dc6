package binary

import "golang.org/x/arch/arm64/arm64asm"

// stepARM64 decodes one instruction of arm64.
func stepARM64(p *program, b []byte, at int64, r *registers) (step, bool) {
	s := step{hop: hop{size: 4, target: -1}}
	in, err := arm64asm.Decode(b)
	if err != nil { // data between functions, or an instruction newer than the decoder
		r.clear()
		return s, len(b) >= 4
	}
	for _, a := range in.Args {
		if rel, ok := a.(arm64asm.PCRel); ok {
			s.target = at + int64(rel)
		}
	}
	switch in.Op {
	case arm64asm.BL, arm64asm.BLR:
		s.flow = flowCall
	case arm64asm.B:
		s.flow = flowJump
		if _, conditional := in.Args[0].(arm64asm.Cond); conditional {
			s.flow = flowBranch
		}
	case arm64asm.BR, arm64asm.RET, arm64asm.BRK:
		s.flow = flowJump
	case arm64asm.CBZ, arm64asm.CBNZ, arm64asm.TBZ, arm64asm.TBNZ:
		s.flow = flowBranch
	case arm64asm.CMP, arm64asm.CMN, arm64asm.TST, arm64asm.NOP, arm64asm.CCMP, arm64asm.FCMP, arm64asm.PRFM:
	case arm64asm.STR, arm64asm.STP, arm64asm.STUR:
		if m, ok := in.Args[1].(arm64asm.MemImmediate); ok && registerARM64(m.Base) != 31 {
			s.put, _ = offsetARM64(in.Enc)
		}
		storeARM64(in, r)
	case arm64asm.STRB, arm64asm.STRH, arm64asm.STURB, arm64asm.STURH:
		if from := registerARM64(in.Args[0]); in.Enc&0xffc00000 == 0x39000000 && from >= 0 && r.r[from] == number(1) {
			s.flag = int64(in.Enc >> 10 & 0xfff)
		}
		storeARM64(in, r)
	case arm64asm.ADRP:
		r.set(registerARM64(in.Args[0]), number(adrp(p.mod.text+uint64(at), in.Enc)))
	case arm64asm.ADD, arm64asm.SUB:
		v := value{}
		if from := registerARM64(in.Args[1]); from >= 0 {
			if n, ok := immediateARM64(in.Enc); ok {
				v = r.r[from].add(n)
			}
		}
		r.set(registerARM64(in.Args[0]), v)
	case arm64asm.MOV, arm64asm.ORR:
		r.set(registerARM64(in.Args[0]), moveARM64(in, r))
	default:
		if !onlyDestinationARM64[in.Op] {
			r.clear()
			break
		}
		s.load, s.pair = loadARM64(in, r), in.Op == arm64asm.LDP
	}
	return s, true
}

// onlyDestinationARM64 are the instructions that write their first argument and flags, and nothing else but the
// second register of LDP. Any other makes us forget everything.
var onlyDestinationARM64 = map[arm64asm.Op]bool{
	arm64asm.ADDS: true, arm64asm.ADR: true, arm64asm.AND: true, arm64asm.ANDS: true, arm64asm.ASR: true,
	arm64asm.BFI: true, arm64asm.BFXIL: true, arm64asm.BIC: true, arm64asm.CINC: true, arm64asm.CLZ: true,
	arm64asm.CSEL: true, arm64asm.CSET: true, arm64asm.CSINC: true, arm64asm.CSINV: true, arm64asm.CSNEG: true,
	arm64asm.EOR: true, arm64asm.EXTR: true, arm64asm.LDP: true, arm64asm.LDR: true, arm64asm.LDRB: true,
	arm64asm.LDRH: true, arm64asm.LDRSB: true, arm64asm.LDRSH: true, arm64asm.LDRSW: true, arm64asm.LDUR: true,
	arm64asm.LDURB: true, arm64asm.LDURH: true, arm64asm.LSL: true, arm64asm.LSR: true, arm64asm.MADD: true,
	arm64asm.MOVK: true, arm64asm.MSUB: true, arm64asm.MUL: true, arm64asm.MVN: true, arm64asm.NEG: true,
	arm64asm.ORN: true, arm64asm.RBIT: true, arm64asm.REV: true, arm64asm.ROR: true, arm64asm.SBFIZ: true,
	arm64asm.SBFX: true, arm64asm.SDIV: true, arm64asm.SUBS: true, arm64asm.SXTB: true,
	arm64asm.SXTH: true, arm64asm.SXTW: true, arm64asm.UBFIZ: true, arm64asm.UBFX: true, arm64asm.UDIV: true,
	arm64asm.UMULH: true, arm64asm.UXTB: true, arm64asm.UXTH: true,
}

// moveARM64 returns what MOV, or ORR as an alias of it, puts into its first argument.
func moveARM64(in arm64asm.Inst, r *registers) value {
	src := in.Args[1]
	if in.Op == arm64asm.ORR {
		if reg, ok := src.(arm64asm.Reg); !ok || reg != arm64asm.XZR && reg != arm64asm.WZR {
			return value{}
		}
		src = in.Args[2]
	}
	switch src := src.(type) {
	case arm64asm.Imm64:
		return number(src.Imm)
	case arm64asm.Imm:
		return number(uint64(src.Imm))
	case arm64asm.Reg:
		if src == arm64asm.XZR || src == arm64asm.WZR {
			return number(0)
		}
		if i := registerARM64(src); i >= 0 && src >= arm64asm.X0 {
			return r.r[i]
		}
	case arm64asm.RegSP:
		return r.r[registerARM64(src)]
	}
	return value{}
}

// immediateARM64 returns what ADD and SUB of 64-bit registers add. Source: Arm ARM for A-profile, C6.2.5 and C6.2.365.
func immediateARM64(enc uint32) (int64, bool) {
	n := int64(enc >> 10 & 0xfff)
	if enc>>22&1 != 0 {
		n <<= 12
	}
	switch enc & 0xff800000 {
	case 0x91000000:
		return n, true
	case 0xd1000000:
		return -n, true
	}
	return 0, false
}

// accessARM64 returns the address that a load or store uses, and moves its base register if it says so. Its offset
// is not known for all.
func accessARM64(in arm64asm.Inst, a arm64asm.Arg, r *registers) value {
	m, ok := a.(arm64asm.MemImmediate)
	base := registerARM64(m.Base)
	if !ok || base < 0 {
		return value{}
	}
	offset, known := offsetARM64(in.Enc)
	before, after := r.r[base], value{}
	if known {
		after = before.add(offset)
	}
	switch m.Mode {
	case arm64asm.AddrPreIndex:
		r.r[base] = after
	case arm64asm.AddrPostIndex:
		r.r[base] = after
		return before
	}
	return after
}

// storeARM64 applies STR, STP and their kin.
func storeARM64(in arm64asm.Inst, r *registers) {
	last := 1
	if in.Op == arm64asm.STP {
		last = 2
	}
	var words [2]value
	for i := range last {
		if reg := in.Args[i]; reg == arm64asm.Arg(arm64asm.XZR) {
			words[i] = number(0)
		} else if n := registerARM64(reg); n >= 0 && n < 31 && in.Enc>>30 >= 2 {
			words[i] = r.r[n]
		}
	}
	m, _ := in.Args[last].(arm64asm.MemImmediate)
	base, size := registerARM64(m.Base), 8
	if in.Op != arm64asm.STR && in.Op != arm64asm.STP && in.Op != arm64asm.STUR {
		size = 1
	}
	var before value
	if base >= 0 {
		before = r.r[base]
	}
	at := accessARM64(in, in.Args[last], r)
	if !at.known {
		before.n = 1 << 63 // anywhere in it
		r.forget(before)
		return
	}
	for i := range last {
		r.write(at.add(8*int64(i)), words[i], size)
	}
}

// loadARM64 applies an instruction that writes its first argument, and the second if it is LDP. It returns the
// address that it loads from, 0 if it is not constant.
func loadARM64(in arm64asm.Inst, r *registers) uint64 {
	last, words := 1, [2]value{}
	if in.Op == arm64asm.LDP {
		last = 2
	}
	at := accessARM64(in, in.Args[last], r)
	if in.Op == arm64asm.LDR && in.Enc>>30 == 3 || in.Op == arm64asm.LDUR && in.Enc>>30 == 3 || in.Op == arm64asm.LDP {
		words = [2]value{r.load(at), r.load(at.add(8))}
	}
	for i := range last {
		r.set(registerARM64(in.Args[i]), words[i])
	}
	address, _ := at.constant()
	return address
}

// registerARM64 returns the number of a general register, 31 for the stack pointer, -1 for anything else.
func registerARM64(a arm64asm.Arg) int {
	var n int
	switch reg := a.(type) {
	case arm64asm.Reg:
		n = int(reg)
	case arm64asm.RegSP:
		n = int(reg)
	default:
		return -1
	}
	switch {
	case n >= int(arm64asm.X0) && n <= int(arm64asm.X30):
		return n - int(arm64asm.X0)
	case n >= int(arm64asm.W0) && n <= int(arm64asm.W30):
		return n - int(arm64asm.W0)
	}
	if _, sp := a.(arm64asm.RegSP); sp {
		return 31
	}
	return -1
}

// offsetARM64 returns the immediate offset of a load or store of 64-bit registers; arm64asm keeps it to itself.
// Source: Arm ARM for A-profile, C4.1, "Loads and stores".
func offsetARM64(enc uint32) (int64, bool) {
	switch {
	case enc&0xff800000 == 0xf9000000: // STR, LDR (unsigned offset)
		return int64(enc>>10&0xfff) * 8, true
	case enc&0xffa00000 == 0xf8000000 && enc>>10&3 != 2: // STUR, LDUR, and STR, LDR that move the base
		return int64(int32(enc<<11) >> 23), true
	case enc&0xfe000000 == 0xa8000000 && enc>>23&3 != 0: // STP, LDP, also those that move the base
		return int64(int32(enc<<10)>>25) * 8, true
	}
	return 0, false
}
