package binary

import (
	"debug/elf"
	"slices"
)

// Limits on the code that is decoded, in bytes: of a function, and of all functions of a program together.
const (
	maxCode    = 1 << 20
	maxAllCode = 8 << 20
)

// flow is where an instruction goes.
type flow int

const (
	flowNext   flow = iota
	flowBranch      // to a target or on
	flowJump        // to a target, or nowhere that can be seen
	flowCall        // to a target and back; target 0 if it is not constant
)

// hop is an instruction as far as the flow goes. Targets are offsets from the text, below zero if unknown.
type hop struct {
	size   int
	flow   flow
	target int64
}

// step is an instruction and what of its arguments matters.
type step struct {
	hop
	load uint64 // address of the word that is loaded, 0 if it is not constant
	pair bool   // the word after it is loaded too
	flag int64  // offset from a register at which the byte 1 is stored, 0 if there is none
	put  int64  // offset from a register, not the stack pointer, at which a register is stored as a word; 0 if there is none
}

// decoder decodes the instruction at offset at from the text and applies it to r; false if it cannot.
type decoder func(p *program, b []byte, at int64, r *registers) (step, bool)

// decoders by machine.
var decoders = map[elf.Machine]decoder{elf.EM_X86_64: stepAMD64, elf.EM_AARCH64: stepARM64}

// maxWords is how many words of arguments are looked at.
const maxWords = 16

// callState is a direct call and what is known of its arguments.
type callState struct {
	at     uint32
	callee int32
	known  uint32 // one bit for each word
	words  [maxWords]uint64
}

// body is the code of a function, ready to be decoded.
type body struct {
	start  uint32 // offset from the text
	code   []byte
	decode decoder
}

// body reads the code of a function; false if there is no decoder for it.
func (p *program) body(fn int32) (body, bool) {
	start, end := p.fns.span(fn)
	b := body{start: start, decode: decoders[p.m.f.machine]}
	if b.decode == nil || p.graph == nil || end-start > maxCode || p.decoded > maxAllCode {
		return b, false
	}
	p.decoded += int(end - start)
	b.code = make([]byte, end-start)
	return b, p.m.readOnce(p.mod.text+uint64(start), b.code)
}

// steps decodes a function and shows each instruction after it was applied; false if one could not be decoded.
func (p *program) steps(b body, regs *registers, see func(at int64, s step)) bool {
	for i := 0; i < len(b.code); {
		at := int64(b.start) + int64(i)
		s, ok := b.decode(p, b.code[i:], at, regs)
		if !ok || s.size <= 0 {
			return false
		}
		see(at, s)
		i += s.size
	}
	return true
}

// tableTargets returns where the jump tables in the data go to inside a function.
func (p *program) tableTargets(b body) []int64 {
	low, _ := slices.BinarySearch(p.graph.inner, b.start)
	high, _ := slices.BinarySearch(p.graph.inner, b.start+uint32(len(b.code)))
	var all []int64
	for _, t := range p.graph.inner[low:high] {
		all = append(all, int64(t))
	}
	return all
}

// targets returns where branches inside a function go to, as offsets from its start: its own, and the jump tables in
// the data.
func (p *program) targets(b body) (bitset, bool) {
	targets := newBitset(uint64(len(b.code)))
	add := func(t int64) {
		if n := uint64(t) - uint64(b.start); n < uint64(len(b.code)) {
			targets.set(n)
		}
	}
	for _, t := range p.tableTargets(b) {
		add(t)
	}
	ok := p.hops(b, func(_ int64, s hop) {
		if s.flow == flowBranch || s.flow == flowJump {
			add(s.target)
		}
	})
	return targets, ok
}

// track decodes a function and shows each instruction together with what is known after it. A function that cannot
// be decoded as a whole shows nothing: a branch into the middle of what was taken for a straight line might hide in
// the rest.
func (p *program) track(fn int32, see func(at int64, s step, after *registers)) {
	b, ok := p.body(fn)
	if !ok {
		return
	}
	targets, ok := p.targets(b)
	if !ok {
		return
	}
	regs := newRegisters(p.m.f.machine)
	p.steps(b, &regs, func(at int64, s step) {
		see(at, s, &regs)
		if s.flow == flowCall || s.flow == flowJump || targets.has(uint64(at)+uint64(s.size)-uint64(b.start)) {
			regs.clear()
		}
	})
}

// callStates returns the direct calls of a function in order.
func (p *program) callStates(fn int32) []callState {
	var states []callState
	p.track(fn, func(at int64, s step, after *registers) {
		if s.flow != flowCall || s.target < 0 {
			return
		}
		if callee, ok := p.fns.at(uint64(s.target)); ok {
			states = append(states, p.newCallState(uint32(at), callee, after)) // the call itself changes nothing
		}
	})
	return states
}

// loads returns the constant addresses that a function loads words from.
func (p *program) loads(fn int32) map[uint64]bool {
	all := map[uint64]bool{}
	p.track(fn, func(_ int64, s step, _ *registers) {
		if s.load != 0 {
			all[s.load] = true
			all[s.load+8] = all[s.load+8] || s.pair
		}
	})
	return all
}

// newCallState takes the words of the arguments of a call that are constants.
func (p *program) newCallState(at uint32, callee int32, regs *registers) callState {
	c := callState{at: at, callee: callee}
	for i, v := range p.arguments(regs) {
		if n, ok := v.constant(); ok {
			c.known |= 1 << i
			c.words[i] = n
		}
	}
	return c
}

// arguments returns the words of the arguments of a call, counted over all of them: a string has two.
//
// Since 1.17 (amd64) and 1.18 (arm64) they are in registers, before on the stack.
// Source: src/cmd/compile/abi-internal.md.
func (p *program) arguments(regs *registers) (words [maxWords]value) {
	order, stack, base := argumentRegisters[p.m.f.machine], p.stackArguments(), int64(0)
	if p.m.f.machine == elf.EM_AARCH64 {
		base = 8 // the return address comes first
	}
	for i := range words {
		if stack {
			words[i] = regs.load(regs.r[regs.sp].add(base + 8*int64(i)))
		} else if i < len(order) {
			words[i] = regs.r[order[i]]
		}
	}
	return words
}

// argumentRegisters are the integer argument registers of ABIInternal by machine, as indices of registers.r.
var argumentRegisters = map[elf.Machine][]int{
	elf.EM_X86_64:  {0, 3, 1, 7, 6, 8, 9, 10, 11}, // AX BX CX DI SI R8 R9 R10 R11
	elf.EM_AARCH64: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
}

// stackArguments says whether arguments are passed on the stack.
func (p *program) stackArguments() bool {
	if p.table.format != format116 {
		return false
	}
	return p.m.f.machine != elf.EM_X86_64 || p.info == nil || !hasVersion(p.info.Version, "go1.17")
}

// hasVersion says whether a Go version is a release or a patch of a release.
func hasVersion(version, release string) bool {
	return len(version) >= len(release) && version[:len(release)] == release &&
		(len(version) == len(release) || version[len(release)] < '0' || version[len(release)] > '9')
}

// maxConstant is the longest constant string that is read.
const maxConstant = 4096

// text returns the string in words i and i+1 of a call's arguments, if it is a constant.
func (c *callState) text(p *program, i int) (string, bool) {
	if i+1 >= maxWords || c.known>>(i+1)&1 == 0 || c.words[i+1] > maxConstant {
		return "", false
	}
	if c.words[i+1] == 0 {
		return "", true
	}
	if c.known>>i&1 == 0 {
		return "", false
	}
	return p.m.text(c.words[i], c.words[i+1])
}
