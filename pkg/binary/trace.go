package binary

import (
	"debug/elf"
	"slices"
	"strings"
)

// maxPasses is how often the code of a function is gone through, on average, before it is given up; a loop settles after
// two or three times.
const maxPasses = 12

// tracedCall is a direct call that can happen, with what is known before it.
type tracedCall struct {
	at     uint32
	callee int32
	words  [maxWords]value
	memory knownWords
}

// stored is a word of a variable that a function sets.
type stored struct {
	at      uint32 // where it does, as an offset from the text
	address uint64
	value   value
}

// traced is what a function does as far as it can be followed.
type traced struct {
	calls  []tracedCall // in order
	stores []stored
}

// call returns the call at an offset from the text.
func (t *traced) call(at uint32) (*tracedCall, bool) {
	for i := range t.calls {
		if t.calls[i].at == at {
			return &t.calls[i], true
		}
	}
	return nil, false
}

// tracer follows a function along all its branches.
type tracer struct {
	*program
	body body
	// before is what is known at branch targets: only what is so on every way there.
	before map[int64]*registers
	inner  []uint32 // targets of its jump tables
	loops  bitset   // where loops begin: targets of jumps back, as offsets from its start
	at     int64    // the instruction that is looked at, as an offset from the text
	again  int64    // where a loop begins of which something that was relied on is not so, -1 if there is none
	passed int      // bytes of code that were decoded
	out    traced
}

// trace follows a function along all its branches, where track takes every branch target for unknown. It is made for
// the few functions whose arguments come out of memory. False if the function cannot be followed.
func (p *program) trace(fn int32) (*traced, bool) {
	if p.traces == nil {
		p.traces = map[int32]*traced{}
	}
	if t, ok := p.traces[fn]; ok {
		return t, t != nil
	}
	p.traces[fn] = nil
	b, ok := p.body(fn)
	if !ok {
		return nil, false
	}
	low, _ := slices.BinarySearch(p.graph.inner, b.start)
	high, _ := slices.BinarySearch(p.graph.inner, b.start+uint32(len(b.code)))
	t := &tracer{program: p, body: b, before: map[int64]*registers{}, inner: p.graph.inner[low:high], loops: newBitset(uint64(len(b.code)))}
	entry := t.entry()
	t.before[int64(b.start)] = &entry
	if !t.findLoops() || !t.walk() {
		return nil, false
	}
	p.traces[fn] = &t.out
	return &t.out, true
}

// findLoops finds where loops begin; false if the function cannot be decoded.
func (t *tracer) findLoops() bool {
	back := func(target, from int64) {
		if n := target - int64(t.body.start); n >= 0 && target <= from {
			t.loops.set(uint64(n))
		}
	}
	return t.hops(t.body, func(at int64, h hop) {
		back(h.target, at)
		if h.flow == flowJump && h.target < 0 {
			for _, to := range t.inner {
				back(int64(to), at)
			}
		}
	})
}

// walk goes through the function. Where a jump back brings less than was known at its target, it goes on from there: the
// code before stays as it is, and loops inside settle before those around them.
func (t *tracer) walk() bool {
	now := newRegisters(t.m.f.machine)
	live := false // the instruction can be reached
	for i := 0; i < len(t.body.code); {
		t.at = int64(t.body.start) + int64(i)
		if live && t.loops.has(uint64(i)) { // what is known here comes from two sides
			t.join(t.at, &now)
			live = false
		}
		t.again = -1
		if known, ok := t.before[t.at]; ok && !live {
			now, live = known.clone(), true
		} else if ok {
			now.meet(known)
		}
		now.store = nil
		if live {
			now.store = t.store
		}
		s, ok := t.body.decode(t.program, t.body.code[i:], t.at, &now)
		if !ok || s.size <= 0 {
			return false
		}
		i += s.size
		if live {
			live = t.follow(s, &now)
		}
		if t.passed += s.size; t.again >= 0 {
			i, live = int(t.again)-int(t.body.start), false
			if !t.forget() {
				return false
			}
		}
	}
	return true
}

// forget takes back what was seen from the beginning of a loop on; false if the function was gone through too often.
func (t *tracer) forget() bool {
	t.out.calls = slices.DeleteFunc(t.out.calls, func(c tracedCall) bool { return int64(c.at) >= t.again })
	t.out.stores = slices.DeleteFunc(t.out.stores, func(s stored) bool { return int64(s.at) >= t.again })
	size := int(t.at - t.again)
	t.decoded += size
	return t.passed <= maxPasses*len(t.body.code) && t.decoded <= maxAllCode
}

// follow applies where an instruction goes, and reports whether it goes on to the next.
func (t *tracer) follow(s step, now *registers) bool {
	switch s.flow {
	case flowBranch:
		t.join(s.target, now)
	case flowJump:
		if s.target >= 0 {
			t.join(s.target, now)
		} else {
			for _, to := range t.inner {
				t.join(int64(to), now)
			}
		}
		return false
	case flowCall:
		return t.callTo(s, now)
	}
	return true
}

// entry is what is known at the function's entry: where its arguments are.
func (t *tracer) entry() registers {
	r := newRegisters(t.m.f.machine)
	order := argumentRegisters[t.m.f.machine]
	for i := range maxWords {
		v := value{known: true, kind: isParameter, n: uint64(i)}
		if t.stackArguments() { // after the return address, on both machines
			r.write(value{known: true, kind: isFrame, n: uint64(8 + 8*i)}, v, 8)
		} else if i < len(order) {
			r.r[order[i]] = v
		}
	}
	return r
}

// join records what is known on one more way to a target.
func (t *tracer) join(target int64, r *registers) {
	if target < int64(t.body.start) || target >= int64(t.body.start)+int64(len(t.body.code)) {
		return // into another function
	}
	known, ok := t.before[target]
	if !ok {
		known = &registers{}
		*known = r.clone()
		t.before[target] = known
	}
	if (!ok || known.meet(r)) && target <= t.at && (t.again < 0 || target < t.again) {
		t.again = target
	}
}

// callTo applies a call, and reports whether it comes back.
func (t *tracer) callTo(s step, now *registers) bool {
	callee, direct := int32(-1), false
	if s.target >= 0 {
		callee, direct = t.fns.at(uint64(s.target))
	}
	name := ""
	if direct {
		name = t.name(callee)
	} else if t.duffs(s.target, now) {
		return true
	}
	switch {
	// The way by which a pointer is stored while garbage is collected: it does what the other way does.
	case strings.HasPrefix(name, "runtime.gcWriteBarrier"):
		return false
	// The stack grows and the function starts anew, with the same arguments.
	case strings.HasPrefix(name, "runtime.morestack"):
		return false
	case name == "runtime.gopanic" || strings.HasPrefix(name, "runtime.panic") || strings.HasPrefix(name, "runtime.goPanic"):
		return false
	}
	words := t.arguments(now)
	if direct {
		t.out.calls = append(t.out.calls, tracedCall{uint32(t.at), callee, words, t.keep(now.memory)})
	}
	if name == "runtime.wbZero" { // of a type and an address
		now.zero(words[1])
		words = [maxWords]value{}
	}
	sp := now.r[now.sp]
	for _, v := range words {
		now.forget(v)
	}
	memory := now.memory
	now.clear()
	now.memory = memory
	now.memory = slices.DeleteFunc(now.memory, func(c knownWord) bool { return c.at.kind == isNumber })
	now.r[now.sp] = sp
	if name == "runtime.newobject" {
		t.allocate(uint32(t.at), now)
	}
	return true
}

// keep returns a copy of what is known of the memory before a call. Between most calls nothing changes.
func (t *tracer) keep(memory knownWords) knownWords {
	if n := len(t.out.calls); n > 0 && slices.Equal(t.out.calls[n-1].memory, memory) {
		return t.out.calls[n-1].memory
	}
	return slices.Clone(memory)
}

// allocate makes the result of a call a fresh object, and forgets the one that was made there before.
func (t *tracer) allocate(site uint32, now *registers) {
	old := func(v value) bool { return v.kind == isObject && v.site == site }
	for i, v := range now.r {
		if old(v) {
			now.r[i] = value{}
		}
	}
	now.memory = slices.DeleteFunc(now.memory, func(c knownWord) bool { return old(c.at) || old(c.v) })
	object := value{known: true, kind: isObject, site: site}
	now.put(fresh(object), number(0))
	if t.stackArguments() {
		// The result follows the argument.
		at := now.r[now.sp].add(8)
		if t.m.f.machine == elf.EM_AARCH64 {
			at = at.add(8)
		}
		now.write(at, object, 8)
		return
	}
	now.r[argumentRegisters[t.m.f.machine][0]] = object
}

// store records what is stored in variables.
func (t *tracer) store(at, v value) {
	if address, ok := at.constant(); ok {
		t.out.stores = append(t.out.stores, stored{uint32(t.at), address, v})
	}
}

// clone returns a copy that shares nothing.
func (r *registers) clone() registers {
	c := *r
	c.memory = slices.Clone(r.memory)
	return c
}

// meet keeps what is known in both, and reports whether that is less.
func (r *registers) meet(other *registers) bool {
	less := false
	for i := range r.r {
		if r.r[i].known && r.r[i] != other.r[i] {
			r.r[i], less = value{}, true
		}
	}
	for i := range r.vector {
		for j := range r.vector[i] {
			if r.vector[i][j].known && r.vector[i][j] != other.vector[i][j] {
				r.vector[i][j], less = value{}, true
			}
		}
	}
	return r.meetMemory(other) || less
}

// meetMemory does so for memory. An unknown word of an object stays, for it is not zero.
func (r *registers) meetMemory(other *registers) bool {
	less, kept, theirs := false, r.memory[:0], other.memory
	for _, c := range r.memory {
		for len(theirs) > 0 && theirs[0].at.before(c.at) {
			theirs = theirs[1:]
		}
		var have value
		if len(theirs) > 0 && theirs[0].at == c.at {
			have = theirs[0].v
		} else {
			have = other.untold(c.at)
		}
		if c.v.known && have != c.v || !c.v.known && c.at.kind != isObject {
			less = true
			if c.at.kind != isObject {
				continue
			}
			c.v = value{}
		}
		kept = append(kept, c)
	}
	r.memory = kept
	var absent []value // objects of the other's that are said nothing of here
	ours := r.memory
	for _, c := range other.memory {
		for len(ours) > 0 && ours[0].at.before(c.at) {
			ours = ours[1:]
		}
		if c.at.kind == isObject && c.v != number(0) && (len(ours) == 0 || ours[0].at != c.at) {
			absent = append(absent, c.at)
		}
	}
	for _, at := range absent {
		if r.isFresh(at) {
			r.put(at, value{})
			less = true
		}
	}
	return less
}
