package binary

import "golang.org/x/arch/x86/x86asm"

// goesAMD64 says how long an instruction is and where it goes.
func goesAMD64(in x86asm.Inst, at int64) hop {
	s := hop{size: in.Len, target: -1}
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
	}
	return s
}

// stepAMD64 decodes one instruction of amd64. Those that change nothing but flags are not decoded in full.
func stepAMD64(p *program, b []byte, at int64, r *registers) (step, bool) {
	if h, ok := plainAMD64(b, at); ok && (h.flow != flowNext || comparesAMD64(b)) {
		return step{hop: h}, true
	}
	in, err := x86asm.Decode(b[:min(len(b), 15)], 64)
	if err != nil {
		return step{}, false
	}
	s := step{hop: goesAMD64(in, at)}
	switch in.Op {
	case x86asm.CALL, x86asm.JMP, x86asm.RET, x86asm.UD2, x86asm.JA, x86asm.JAE, x86asm.JB, x86asm.JBE, x86asm.JCXZ, x86asm.JE,
		x86asm.JECXZ, x86asm.JG, x86asm.JGE, x86asm.JL, x86asm.JLE, x86asm.JNE, x86asm.JNO, x86asm.JNP, x86asm.JNS, x86asm.JO,
		x86asm.JP, x86asm.JRCXZ, x86asm.JS, x86asm.LOOP, x86asm.LOOPE, x86asm.LOOPNE:
	case x86asm.MOV:
		if n, ok := p.addressAMD64(in, at, in.Args[1], r).constant(); ok && in.MemBytes == 8 {
			s.load = n
		}
		if m, ok := in.Args[0].(x86asm.Mem); ok && in.MemBytes == 1 && in.Args[1] == x86asm.Arg(x86asm.Imm(1)) {
			s.flag = m.Disp
		} else if ok && in.MemBytes == 8 && m.Base != x86asm.RSP && m.Base != x86asm.RIP && register(in.Args[1]) >= 0 {
			s.put = m.Disp
		}
		p.moveAMD64(in, at, r)
	case x86asm.LEA:
		r.set(register(in.Args[0]), p.addressAMD64(in, at, in.Args[1], r))
	case x86asm.XOR, x86asm.SUB, x86asm.ADD:
		v := value{}
		switch src, imm := in.Args[1].(x86asm.Imm); {
		case in.Op != x86asm.ADD && in.Args[0] == in.Args[1] && wide(in.Args[0]):
			v = number(0)
		case in.Op == x86asm.ADD && imm && in.DataSize == 64 && register(in.Args[0]) >= 0:
			v = r.r[register(in.Args[0])].add(int64(src))
		case in.Op == x86asm.SUB && imm && in.DataSize == 64 && register(in.Args[0]) >= 0:
			v = r.r[register(in.Args[0])].add(-int64(src))
		}
		p.writeAMD64(in, at, r, v)
	case x86asm.PUSH:
		r.r[r.sp] = r.r[r.sp].add(-8)
		v := value{}
		if i := register(in.Args[0]); i >= 0 {
			v = r.r[i]
		}
		r.write(r.r[r.sp], v, 8)
	case x86asm.POP:
		r.set(register(in.Args[0]), r.load(r.r[r.sp]))
		r.r[r.sp] = r.r[r.sp].add(8)
	case x86asm.XORPS, x86asm.PXOR:
		if x, ok := vector(in.Args[0]); ok {
			r.vector[x] = [2]value{}
			if in.Args[0] == in.Args[1] {
				r.vector[x] = [2]value{number(0), number(0)}
			}
		}
	case x86asm.MOVUPS:
		p.moveVectorAMD64(in, at, r)
	case x86asm.CMP, x86asm.TEST, x86asm.NOP, x86asm.UCOMISS, x86asm.UCOMISD, x86asm.BT, x86asm.INT:
	default:
		if !onlyDestination[in.Op] {
			r.clear()
			break
		}
		p.writeAMD64(in, at, r, value{})
	}
	return s, true
}

// comparesAMD64 tells CMP and TEST. Source: Intel SDM, volume 2, appendix A.
func comparesAMD64(b []byte) bool {
	op, modRM := b[0], b[1]
	if op&0xf0 == 0x40 { // REX
		op, modRM = b[1], b[2]
	}
	return op >= 0x38 && op <= 0x3d || op == 0x84 || op == 0x85 || op == 0xa8 || op == 0xa9 ||
		(op == 0x80 || op == 0x81 || op == 0x83) && modRM&0x38 == 0x38
}

// onlyDestination are the instructions that write their first argument and flags, and nothing else. Any other makes
// us forget everything.
var onlyDestination = map[x86asm.Op]bool{
	x86asm.ADC: true, x86asm.AND: true, x86asm.BSF: true, x86asm.BSR: true, x86asm.BSWAP: true,
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

// writeAMD64 applies an instruction at offset at that puts v into its first argument.
func (p *program) writeAMD64(in x86asm.Inst, at int64, r *registers, v value) {
	if _, ok := in.Args[0].(x86asm.Mem); ok {
		r.write(p.addressAMD64(in, at, in.Args[0], r), v, in.MemBytes)
		return
	}
	r.set(register(in.Args[0]), v)
}

// moveAMD64 applies MOV.
func (p *program) moveAMD64(in x86asm.Inst, at int64, r *registers) {
	var v value
	switch src := in.Args[1].(type) {
	case x86asm.Imm:
		v = number(uint64(src))
	case x86asm.Reg:
		if i := register(src); i >= 0 && wide(src) {
			v = r.r[i]
		}
	case x86asm.Mem:
		if in.MemBytes == 8 {
			v = r.load(p.addressAMD64(in, at, src, r))
		}
	}
	if in.DataSize == 32 {
		v.known = v.known && v.kind == isNumber
		v.n &= 1<<32 - 1
	}
	v.known = v.known && in.DataSize >= 32
	p.writeAMD64(in, at, r, v)
}

// zeroAMD64 is the vector register that is zero in all Go code since 1.17. Source: src/cmd/compile/abi-internal.md.
const zeroAMD64 = 15

// moveVectorAMD64 applies MOVUPS, which moves two words.
func (p *program) moveVectorAMD64(in x86asm.Inst, at int64, r *registers) {
	if x, ok := vector(in.Args[0]); ok {
		r.vector[x] = [2]value{}
		if from := p.addressAMD64(in, at, in.Args[1], r); from.known {
			r.vector[x] = [2]value{r.load(from), r.load(from.add(8))}
		}
		return
	}
	if x, ok := vector(in.Args[1]); ok {
		to := p.addressAMD64(in, at, in.Args[0], r)
		words := r.vector[x]
		if x == zeroAMD64 && !p.stackArguments() {
			words = [2]value{number(0), number(0)}
		}
		r.write(to, words[0], 8)
		r.write(to.add(8), words[1], 8)
	}
}

// addressAMD64 returns the address of an argument that is in memory.
func (p *program) addressAMD64(in x86asm.Inst, at int64, a x86asm.Arg, r *registers) value {
	m, ok := a.(x86asm.Mem)
	switch {
	case !ok || m.Index != 0 || m.Segment != 0:
		return value{}
	case m.Base == x86asm.RIP:
		return number(p.mod.text + uint64(at+int64(in.Len)+m.Disp))
	}
	base := register(m.Base)
	if base < 0 {
		return value{}
	}
	return r.r[base].add(m.Disp)
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
		return 0, false
	}
	return uint(reg - x86asm.X0), true
}
