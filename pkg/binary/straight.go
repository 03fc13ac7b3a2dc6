package binary

import (
	"cmp"
	"debug/elf"
	"slices"
)

// hops shows each instruction of a function as far as the flow goes; false if one could not be decoded.
func (p *program) hops(b body, see func(at int64, h hop)) bool {
	if p.m.f.machine != elf.EM_X86_64 {
		regs := newRegisters(p.m.f.machine)
		return p.steps(b, &regs, func(at int64, s step) { see(at, s.hop) })
	}
	for i := 0; i < len(b.code); {
		at := int64(b.start) + int64(i)
		h, ok := flowAMD64(b.code[i:], at)
		if !ok || h.size <= 0 {
			return false
		}
		see(at, h)
		i += h.size
	}
	return true
}

// lines are the straight lines of a function, and its direct calls.
type lines struct {
	code  []byte
	begin []uint32 // offsets from the text, ascending
	calls []call
}

// call is a direct call.
type call struct {
	at     uint32 // offset from the text
	callee int32
}

// straight returns where the straight lines of a function begin: at its entry, at branch targets, and behind calls and
// jumps. There track forgets everything, so what is known at a call depends on its own line only. A function that cannot
// be decoded has none.
func (p *program) straight(fn int32) *lines {
	if l, ok := p.lines[fn]; ok {
		return l
	}
	l := &lines{}
	p.lines[fn] = l
	b, ok := p.body(fn)
	if !ok {
		return l
	}
	l.code = b.code
	starts, targets := newBitset(uint64(len(b.code))), p.tableTargets(b)
	begins := true
	ok = p.hops(b, func(at int64, s hop) {
		starts.set(uint64(at) - uint64(b.start))
		if begins {
			l.begin = append(l.begin, uint32(at))
		}
		begins = s.flow == flowCall || s.flow == flowJump
		switch {
		case s.flow == flowBranch || s.flow == flowJump:
			targets = append(targets, s.target)
		case s.flow == flowCall && s.target >= 0:
			if callee, ok := p.fns.at(uint64(s.target)); ok {
				l.calls = append(l.calls, call{uint32(at), callee})
			}
		}
	})
	if !ok {
		*l = lines{}
		return l
	}
	for _, t := range targets {
		if starts.has(uint64(t) - uint64(b.start)) {
			l.begin = append(l.begin, uint32(t))
		}
	}
	slices.Sort(l.begin)
	l.begin = slices.Compact(l.begin)
	return l
}

// isLazy says whether calls are decoded one by one, because the rest of the function is passed over quickly.
func (p *program) isLazy(fn int32) bool {
	_, whole := p.states[fn]
	return !whole && p.m.f.machine == elf.EM_X86_64
}

// callsTo returns the direct calls of a function to some others, in order.
func (p *program) callsTo(fn int32, wanted func(callee int32) bool) []callState {
	if !p.isLazy(fn) {
		return slices.DeleteFunc(slices.Clone(p.callsIn(fn)), func(c callState) bool { return !wanted(c.callee) })
	}
	var all []callState
	for _, c := range p.straight(fn).calls {
		if wanted(c.callee) {
			if state, ok := p.callOnLine(fn, c.at); ok {
				all = append(all, *state)
			}
		}
	}
	return all
}

// callOnLine decodes the straight line that ends in a direct call of amd64, which has five bytes.
func (p *program) callOnLine(fn int32, at uint32) (*callState, bool) {
	l := p.straight(fn)
	i, ok := slices.BinarySearchFunc(l.calls, at, func(c call, at uint32) int { return cmp.Compare(c.at, at) })
	if !ok {
		return nil, false
	}
	callee := l.calls[i].callee
	if i, ok = slices.BinarySearch(l.begin, at); !ok {
		i-- // the entry begins a line
	}
	const size = 5
	start, _ := p.fns.span(fn)
	b := body{start: l.begin[i], code: l.code[l.begin[i]-start : at-start+size], decode: decoders[p.m.f.machine]}
	p.regs = newRegisters(p.m.f.machine)
	if !p.steps(b, &p.regs, func(int64, step) {}) {
		return nil, false
	}
	c := p.newCallState(at, callee, &p.regs) // the call itself changes nothing
	return &c, true
}
