package binary

import (
	"debug/elf"
	"encoding/binary"
	"slices"

	"golang.org/x/arch/x86/x86asm"
)

// Limits of what is looked at to tell an error from another value that is compared with nil.
const (
	checkSteps = 48 // instructions behind the comparison
	checkDepth = 3  // functions that hand on what another one returned
)

// result is the k-th word of what a call returned.
func result(site uint32, k int) value {
	return value{known: true, kind: isResult, site: site, n: uint64(k) << 32}
}

// isWord returns which word a value is of what a call returned.
func (v value) isWord() (k int, ok bool) {
	return int(v.n >> 32), v.known && v.kind == isResult && v.n<<32 == 0
}

// checker looks for comparisons of an error with nil, in all pieces of a function that follow one call and no other.
type checker struct {
	*program
	g     *flowGraph
	into  []uint8 // how many ways there are to each node, up to 2
	done  []bool
	zeros map[int]bool // whether the function itself returns two words of zeros, the first of them the k-th
}

// cutFailures removes the edges that are taken when an error is not nil: the program fails there, or says so and goes
// on, and what follows is what it is made for. So is the way on which a function ends that recovered from a panic.
func (p *program) cutFailures(g *flowGraph) {
	if g.failures {
		return
	}
	g.failures = true
	c := checker{program: p, g: g, into: make([]uint8, len(g.nodes)), done: make([]bool, len(g.nodes)), zeros: map[int]bool{}}
	for i := range g.nodes {
		g.after(int32(i), func(n int32) { c.into[n] = min(c.into[n]+1, 2) })
	}
	for i := range g.nodes {
		if n := &g.nodes[i]; n.ends == calls && n.way == comesBack && !c.done[i] {
			regs := newRegisters(p.m.f.machine)
			c.behind(int32(i), &regs, 0)
		}
	}
}

// behind goes on behind a call.
func (c *checker) behind(i int32, regs *registers, depth int) {
	n := &c.g.nodes[i]
	if c.done[i] = true; n.next < 0 || c.into[n.next] != 1 || n.way != comesBack || depth > 64 {
		return
	}
	if n.callee >= 0 {
		switch name := c.calleeName(n.callee); {
		case name == "runtime.deferproc" || name == "runtime.deferprocStack":
			c.cutRecovered(n.next)
		case isBarrier(name):
			c.from(n.next, regs, depth+1)
			return
		}
	}
	c.returned(n.last, regs)
	c.from(n.next, regs, depth+1)
}

// returned makes the words that a call returned known. What the frame holds of earlier calls stays.
func (c *checker) returned(site uint32, regs *registers) {
	memory := slices.DeleteFunc(regs.memory, func(w knownWord) bool { return w.at.kind != isFrame || w.v.kind != isResult })
	regs.clear()
	regs.memory = memory
	if c.stackArguments() {
		for k := range maxWords {
			regs.put(regs.r[regs.sp].add(int64(8*k)), result(site, k))
		}
		return
	}
	for k, reg := range argumentRegisters[c.m.f.machine] {
		regs.r[reg] = result(site, k)
	}
}

// from goes over a node and on to those that only it leads to.
func (c *checker) from(i int32, regs *registers, depth int) {
	n := &c.g.nodes[i]
	tested, ok := c.run(n, regs)
	if !ok || depth > 64 {
		return
	}
	if n.ends == calls {
		c.behind(i, regs, depth)
		return
	}
	if k, is := tested.isWord(); is && k+1 < maxWords && n.ends == branches && n.next >= 0 && n.target >= 0 {
		if side, known := c.nonZero(n); known {
			to := [2]int32{n.next, n.target}[side]
			left, now := checkSteps, regs.clone()
			if c.fails(to, &now, tested.site, k, &left) {
				n.cut[side] = true
			}
		}
	}
	for side, to := range [2]int32{n.next, n.target} {
		if to >= 0 && !n.cut[side] && c.into[to] == 1 {
			now := regs.clone()
			c.from(to, &now, depth+1)
		}
	}
}

// run applies the instructions of a node but its last where that decides how it goes on. It returns the word of 64 bits
// that the last comparison compares with zero.
func (c *checker) run(n *node, regs *registers) (tested value, ok bool) {
	for at := n.begin; at < n.end; {
		code := c.g.body.code[at-c.g.body.start:]
		v, changes := c.compared(code, int64(at), regs)
		if changes {
			tested = v
		}
		if at == n.last && n.ends != goesOn {
			return tested, true
		}
		s, ok := c.g.body.decode(c.program, code, int64(at), regs)
		if !ok || s.size <= 0 {
			return value{}, false
		}
		at += uint32(s.size)
	}
	return tested, true
}

// compared says whether an instruction changes the flags, or decides by itself; and which word it compares with zero.
func (c *checker) compared(code []byte, at int64, regs *registers) (v value, changes bool) {
	if c.m.f.machine == elf.EM_AARCH64 {
		w := binary.LittleEndian.Uint32(code)
		switch {
		case w>>25 == 0x5a: // CBZ, CBNZ of 64 bits
			return regs.r[w&31], w&31 != 31
		case w&0xfffffc1f == 0xf100001f: // CMP $0
			return regs.r[w>>5&31], true
		case w>>24 == 0xf1, w>>24 == 0xeb, w>>24 == 0xea, w>>24 == 0x71, w>>24 == 0x6b, w>>24 == 0x6a, w>>23 == 0x1e4, w>>23 == 0xe4:
			return value{}, true // SUBS, ANDS and their kin
		}
		return value{}, false
	}
	switch op := code[0]; {
	case op == 0x0f && len(code) > 1 && code[1]&0xf0 == 0x80, op&0xf0 == 0x70: // Jcc
		return value{}, false
	case len(code) < 3 || op&0xf8 != 0x48: // not of 64 bits
		return value{}, comparesAMD64(append(slices.Clone(code[:min(len(code), 3)]), 0, 0, 0))
	case code[1] == 0x85 && code[2]>>6 == 3 && code[2]&7 == code[2]>>3&7 && op>>2&1 == op&1: // TEST r, r
		return regs.r[int(code[2]&7)|int(op&1)<<3], true
	case code[1] == 0x83 && code[2]&0x38 == 0x38: // CMP r/m64, imm8
		in, err := x86asm.Decode(code[:min(len(code), 15)], 64)
		if err != nil || in.Args[1] != x86asm.Arg(x86asm.Imm(0)) {
			return value{}, true
		}
		if reg := register(in.Args[0]); reg >= 0 {
			return regs.r[reg], true
		}
		return regs.load(c.addressAMD64(in, at, in.Args[0], regs)), true
	case code[1] == 0x89 || code[1] == 0x8b || code[1] == leaAMD64 || code[1] == 0xc7: // MOV, LEA
		return value{}, false
	}
	return value{}, true
}

// nonZero returns on which side of a branch the word that was compared with zero is another: next or target.
func (c *checker) nonZero(n *node) (side int, known bool) {
	code := c.g.body.code[n.last-c.g.body.start:]
	if c.m.f.machine == elf.EM_AARCH64 {
		w := binary.LittleEndian.Uint32(code)
		switch {
		case w>>24 == 0xb4, w>>24 == 0x54 && w&15 == 0: // CBZ, B.EQ
			return 0, true
		case w>>24 == 0xb5, w>>24 == 0x54 && w&15 == 1: // CBNZ, B.NE
			return 1, true
		}
		return 0, false
	}
	switch {
	case code[0] == 0x74, code[0] == 0x0f && code[1] == 0x84: // JE
		return 0, true
	case code[0] == 0x75, code[0] == 0x0f && code[1] == 0x85: // JNE
		return 1, true
	}
	return 0, false
}

// cutRecovered removes the edge from a node to the end of a function that recovers: deferproc then returns 1.
// Source: runtime/panic.go, deferproc.
func (c *checker) cutRecovered(i int32) {
	if n := &c.g.nodes[i]; n.ends == branches {
		if side, known := c.nonZero(n); known {
			n.cut[side] = true
		}
	}
}

// fails says whether the k-th word of what a call returned is an error's, given what is known where it is not zero: the
// word after it, which is the error's value, is used together with it. Such a word follows neither a pointer nor the
// length of a string.
func (c *checker) fails(i int32, regs *registers, site uint32, k int, left *int) bool {
	for {
		n := &c.g.nodes[i]
		for at := n.begin; at < n.end; {
			if at == n.last && (n.ends == calls || n.ends == returns) {
				if c.usesPair(n, regs, site, k) {
					return true
				}
				break
			}
			s, ok := c.g.body.decode(c.program, c.g.body.code[at-c.g.body.start:], int64(at), regs)
			if *left--; *left < 0 || !ok || s.size <= 0 {
				return false
			}
			at += uint32(s.size)
		}
		switch n.ends {
		case calls:
			if n.way != comesBack || n.next < 0 {
				return false
			}
			sp, memory := regs.r[regs.sp], regs.memory
			regs.clear()
			regs.r[regs.sp], regs.memory = sp, memory
			i = n.next
		case goesOn:
			if i = n.next; i < 0 {
				return false
			}
		case jumps:
			if i = n.target; i < 0 {
				return false
			}
		case branches:
			if n.next < 0 || n.target < 0 {
				return false
			}
			now := regs.clone()
			if c.fails(n.target, &now, site, k, left) {
				return true
			}
			i = n.next
		default:
			return false
		}
	}
}

// usesPair says whether a call or a return is given an error: its two words one after the other, its type and its value, or
// its method and its value. Words that stand where the call left them are an error's only if they are known to be two.
func (c *checker) usesPair(n *node, regs *registers, site uint32, k int) bool {
	first, second := result(site, k), result(site, k+1)
	method := func(v value) bool { return v.known && v.kind == isInside && v.site == site && v.n>>32 == uint64(k) }
	for _, w := range regs.memory {
		if method(w.v) && w.at.kind == isFrame {
			if next, ok := regs.memory.get(w.at.add(8)); ok && next == second {
				return true
			}
		}
	}
	name := ""
	if n.callee >= 0 {
		name = c.calleeName(n.callee)
	}
	words := c.wordsAt(n, regs)
	switch {
	case n.ends == calls && n.callee < 0 && words[0] == second:
		return slices.ContainsFunc(regs.r[:], method)
	case n.ends == calls && packageOf(name) == "runtime" && name != "runtime.gopanic":
		return false
	}
	for i := 0; i+1 < maxWords; i++ {
		if words[i] != first || words[i+1] != second || i+2 < maxWords && words[i+2] == result(site, k+2) && i != k {
			continue
		}
		if i != k || (k == 0 || words[k-1] != result(site, k-1)) && c.isPair(site, k) {
			return true
		}
	}
	return false
}

// wordsAt returns the words that a call is given or a return gives.
func (c *checker) wordsAt(n *node, regs *registers) [maxWords]value {
	words := c.arguments(regs)
	if n.ends == returns && n.callee < 0 && c.stackArguments() {
		for i := range words {
			words[i] = regs.load(regs.r[regs.sp].add(int64(8 + 8*i)))
		}
	}
	return words
}

// isPair says whether the words k and k+1 that a call returns are known to be one value of two words: its function returns
// zero in both, or what a variable of two words holds; or the function that calls it does.
func (c *checker) isPair(site uint32, k int) bool {
	own, ok := c.zeros[k]
	if !ok {
		own = c.returnsPair(c.g, k, 0)
		c.zeros[k] = own
	}
	if own {
		return true
	}
	i, ok := slices.BinarySearchFunc(c.g.calls, site, func(o call, at uint32) int { return int(int64(o.at) - int64(at)) })
	return ok && c.pairOf(c.g.calls[i].callee, k, 0)
}

// pairOf says so of a function, as far as it shows.
func (p *program) pairOf(fn int32, k, depth int) bool {
	key := pairKey{fn, k}
	if pair, ok := p.sure.pairs[key]; ok {
		return pair
	}
	p.sure.pairs[key] = false
	if g := p.flowOf(fn); g != nil {
		p.sure.pairs[key] = (&checker{program: p, g: g}).returnsPair(g, k, depth)
	}
	return p.sure.pairs[key]
}

// pairKey is a word of what a function returns.
type pairKey struct {
	fn int32
	k  int
}

// returnsPair looks at what is known at the returns of a function.
func (c *checker) returnsPair(g *flowGraph, k, depth int) bool {
	at := checker{program: c.program, g: g}
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.ends != returns {
			continue
		}
		if n.callee >= 0 {
			if depth < checkDepth && c.pairOf(n.callee, k, depth+1) {
				return true
			}
			continue
		}
		regs := newRegisters(c.m.f.machine)
		if i > 0 && g.nodes[i-1].ends == calls {
			at.returned(g.nodes[i-1].last, &regs)
		}
		if _, ok := at.run(n, &regs); !ok {
			continue
		}
		words := at.wordsAt(n, &regs)
		a, b := words[k], words[k+1]
		zero := a == number(0) && b == number(0)
		variable := a.known && b.known && a.kind == isVariable && b.kind == isVariable && b.n == a.n+8
		if zero || variable {
			return true
		}
		if before := g.nodes[max(i-1, 0)]; depth < checkDepth && i > 0 && before.ends == calls && before.callee >= 0 && a == result(before.last, k) && b == result(before.last, k+1) {
			if c.pairOf(before.callee, k, depth+1) {
				return true
			}
		}
	}
	return false
}
