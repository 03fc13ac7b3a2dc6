package binary

import (
	"debug/elf"
	"slices"
	"strings"
)

// maxPasses is how often a function is gone through before it is given up; loops settle after two or three.
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
	before  map[int64]*registers
	inner   []uint32 // targets of its jump tables
	changed bool     // something that was relied on is not so
	out     *traced
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
	t := &tracer{program: p, body: b, before: map[int64]*registers{}, inner: p.graph.inner[low:high]}
	entry := t.entry()
	t.before[int64(b.start)] = &entry
	for range maxPasses {
		t.changed, t.out = false, &traced{}
		if !t.pass() {
			return nil, false
		}
		if !t.changed {
			p.traces[fn] = t.out
			return t.out, true
		}
		if p.decoded += len(b.code); p.decoded > maxAllCode {
			break
		}
	}
	return nil, false
}

// pass goes through the function once. What is known at a target behind is taken from the pass before; if it turns
// out to be less, another pass is due.
func (t *tracer) pass() bool {
	now := newRegisters(t.m.f.machine)
	live := false // the instruction can be reached
	for i := 0; i < len(t.body.code); {
		at := int64(t.body.start) + int64(i)
		if known, ok := t.before[at]; ok && !live {
			now, live = known.clone(), true
		} else if ok {
			now.meet(known)
		}
		now.store = nil
		if live {
			now.store = t.store
		}
		s, ok := t.body.decode(t.program, t.body.code[i:], at, &now)
		if !ok || s.size <= 0 {
			return false
		}
		i += s.size
		if live {
			live = t.follow(at, s, &now)
		}
	}
	return true
}

// follow applies where an instruction goes, and reports whether it goes on to the next.
func (t *tracer) follow(at int64, s step, now *registers) bool {
	switch s.flow {
	case flowBranch:
		t.join(s.target, at, now)
	case flowJump:
		if s.target >= 0 {
			t.join(s.target, at, now)
		} else {
			for _, to := range t.inner {
				t.join(int64(to), at, now)
			}
		}
		return false
	case flowCall:
		return t.callTo(at, s, now)
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
func (t *tracer) join(target, from int64, r *registers) {
	if target < int64(t.body.start) || target >= int64(t.body.start)+int64(len(t.body.code)) {
		return // into another function
	}
	known, ok := t.before[target]
	if !ok {
		known = &registers{}
		*known = r.clone()
		t.before[target] = known
	}
	if (!ok || known.meet(r)) && target <= from {
		t.changed = true
	}
}

// callTo applies a call, and reports whether it comes back.
func (t *tracer) callTo(at int64, s step, now *registers) bool {
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
		t.out.calls = append(t.out.calls, tracedCall{uint32(at), callee, words, slices.Clone(now.memory)})
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
		t.allocate(uint32(at), now)
	}
	return true
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
		t.out.stores = append(t.out.stores, stored{address, v})
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
