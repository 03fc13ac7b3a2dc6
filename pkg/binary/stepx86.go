package binary

import "golang.org/x/arch/x86/x86asm"

// stepAMD64 decodes one instruction of amd64.
func stepAMD64(p *program, b []byte, at int64, r *registers) (step, bool) {
	in, err := x86asm.Decode(b[:min(len(b), 15)], 64)
	if err != nil {
		return step{}, false
	}
	s := step{size: in.Len, target: -1}
	relative := func() int64 {
		if rel, ok := in.Args[0].(x86asm.Rel); ok {
			return at + int64(in.Len) + int64(rel)
		}
		return -1
	}
	switch in.Op {
	case x86asm.CALL:
		s.flow, s.target = flowCall, relative()
	case x86asm.JMP, x86asm.RET, x86asm.UD2:
		s.flow, s.target = flowJump, relative()
	case x86asm.JA, x86asm.JAE, x86asm.JB, x86asm.JBE, x86asm.JCXZ, x86asm.JE, x86asm.JECXZ, x86asm.JG, x86asm.JGE,
		x86asm.JL, x86asm.JLE, x86asm.JNE, x86asm.JNO, x86asm.JNP, x86asm.JNS, x86asm.JO, x86asm.JP, x86asm.JRCXZ,
		x86asm.JS, x86asm.LOOP, x86asm.LOOPE, x86asm.LOOPNE:
		s.flow, s.target = flowBranch, relative()
	case x86asm.MOV:
		if m, ok := in.Args[1].(x86asm.Mem); ok && m.Base == x86asm.RIP && in.MemBytes == 8 {
			s.load = p.mod.text + uint64(at+int64(in.Len)+m.Disp)
		}
		if m, ok := in.Args[0].(x86asm.Mem); ok && in.MemBytes == 1 && in.Args[1] == x86asm.Arg(x86asm.Imm(1)) {
			s.flag = m.Disp
		}
		moveAMD64(in, r)
	case x86asm.LEA:
		v := value{}
		if m, ok := in.Args[1].(x86asm.Mem); ok && m.Base == x86asm.RIP && m.Index == 0 {
			v = value{true, p.mod.text + uint64(at+int64(in.Len)+m.Disp)}
		}
		r.set(register(in.Args[0]), v)
	case x86asm.XOR, x86asm.SUB:
		v := value{known: in.Args[0] == in.Args[1] && wide(in.Args[0])}
		writeAMD64(in, r, v)
	case x86asm.XORPS, x86asm.PXOR:
		if x, ok := vector(in.Args[0]); ok {
			r.zero &^= 1 << x
			if in.Args[0] == in.Args[1] {
				r.zero |= 1 << x
			}
		}
	case x86asm.MOVUPS:
		if m, ok := stackAMD64(in.Args[0]); ok {
			x, _ := vector(in.Args[1])
			v := value{known: r.zero>>x&1 != 0}
			r.store(m, v)
			r.store(m+8, v)
		} else if x, ok := vector(in.Args[0]); ok {
			r.zero &^= 1 << x
		}
	case x86asm.CMP, x86asm.TEST, x86asm.NOP, x86asm.UCOMISS, x86asm.UCOMISD, x86asm.BT, x86asm.INT:
	default:
		if !onlyDestination[in.Op] {
			r.clear()
			break
		}
		writeAMD64(in, r, value{})
	}
	return s, true
}

// onlyDestination are the instructions that write their first argument and flags, and nothing else. Any other makes
// us forget everything.
var onlyDestination = map[x86asm.Op]bool{
	x86asm.ADC: true, x86asm.ADD: true, x86asm.AND: true, x86asm.BSF: true, x86asm.BSR: true, x86asm.BSWAP: true,
	x86asm.BTC: true, x86asm.BTR: true, x86asm.BTS: true, x86asm.DEC: true, x86asm.INC: true, x86asm.LZCNT: true,
	x86asm.MOVSX: true, x86asm.MOVSXD: true, x86asm.MOVZX: true, x86asm.NEG: true, x86asm.NOT: true, x86asm.OR: true,
	x86asm.POPCNT: true, x86asm.RCL: true, x86asm.RCR: true, x86asm.ROL: true, x86asm.ROR: true, x86asm.SAR: true,
	x86asm.SBB: true, x86asm.SHL: true, x86asm.SHR: true, x86asm.TZCNT: true,
	x86asm.CMOVA: true, x86asm.CMOVAE: true, x86asm.CMOVB: true, x86asm.CMOVBE: true, x86asm.CMOVE: true,
	x86asm.CMOVG: true, x86asm.CMOVGE: true, x86asm.CMOVL: true, x86asm.CMOVLE: true, x86asm.CMOVNE: true,
	x86asm.CMOVNO: true, x86asm.CMOVNP: true, x86asm.CMOVNS: true, x86asm.CMOVO: true, x86asm.CMOVP: true,
	x86asm.CMOVS: true,
	x86asm.SETA:  true, x86asm.SETAE: true, x86asm.SETB: true, x86asm.SETBE: true, x86asm.SETE: true, x86asm.SETG: true,
	x86asm.SETGE: true, x86asm.SETL: true, x86asm.SETLE: true, x86asm.SETNE: true, x86asm.SETNO: true,
	x86asm.SETNP: true, x86asm.SETNS: true, x86asm.SETO: true, x86asm.SETP: true, x86asm.SETS: true,
}

// writeAMD64 applies an instruction that puts v into its first argument.
func writeAMD64(in x86asm.Inst, r *registers, v value) {
	if offset, ok := stackAMD64(in.Args[0]); ok {
		r.store(offset, value{})
		return
	}
	i := register(in.Args[0])
	if i == int(x86asm.RSP-x86asm.RAX) {
		r.stack = nil
	}
	r.set(i, v)
}

// moveAMD64 applies MOV.
func moveAMD64(in x86asm.Inst, r *registers) {
	var v value
	switch src := in.Args[1].(type) {
	case x86asm.Imm:
		v = value{true, uint64(src)}
	case x86asm.Reg:
		if i := register(src); i >= 0 && wide(src) {
			v = r.r[i]
		}
	}
	if in.DataSize == 32 {
		v.n &= 1<<32 - 1
	}
	v.known = v.known && in.DataSize >= 32
	if offset, ok := stackAMD64(in.Args[0]); ok {
		v.known = v.known && in.MemBytes == 8
		r.store(offset, v)
		return
	}
	writeAMD64(in, r, v)
}

// register returns the number of a general register or of the one it is part of, -1 for anything else.
func register(a x86asm.Arg) int {
	reg, ok := a.(x86asm.Reg)
	switch {
	case !ok:
		return -1
	case reg >= x86asm.RAX && reg <= x86asm.R15:
		return int(reg - x86asm.RAX)
	case reg >= x86asm.EAX && reg <= x86asm.R15L:
		return int(reg - x86asm.EAX)
	case reg >= x86asm.AX && reg <= x86asm.R15W:
		return int(reg - x86asm.AX)
	case reg >= x86asm.SPB && reg <= x86asm.R15B:
		return int(reg-x86asm.SPB) + 4
	case reg >= x86asm.AH && reg <= x86asm.BH:
		return int(reg - x86asm.AH)
	case reg >= x86asm.AL && reg <= x86asm.BL:
		return int(reg - x86asm.AL)
	}
	return -1
}

// wide says whether an argument is a register of 32 or 64 bits, which is then written as a whole.
func wide(a x86asm.Arg) bool {
	reg, ok := a.(x86asm.Reg)
	return ok && reg >= x86asm.EAX && reg <= x86asm.R15
}

// vector returns the number of an XMM register.
func vector(a x86asm.Arg) (uint, bool) {
	reg, ok := a.(x86asm.Reg)
	if !ok || reg < x86asm.X0 || reg > x86asm.X15 {
		return 31, false
	}
	return uint(reg - x86asm.X0), true
}

// stackAMD64 returns the offset of an argument that is in memory at the stack pointer.
func stackAMD64(a x86asm.Arg) (int64, bool) {
	m, ok := a.(x86asm.Mem)
	return m.Disp, ok && m.Base == x86asm.RSP && m.Index == 0
}
