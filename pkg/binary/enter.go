package binary

import (
	"debug/elf"
	"encoding/binary"
	"strings"
)

const vendored = "/vendor/"

// contexts are the registers that hold a closure while it is called. Source: src/cmd/compile/abi-internal.md.
var contexts = map[elf.Machine]int{elf.EM_X86_64: 2, elf.EM_AARCH64: 26}

// callAt says what an instruction calls, and with what.
func (f *follower) callAt(pc int64, s step, now *registers) *passed {
	c := &passed{at: uint32(pc), callee: -1, words: f.arguments(now)}
	if s.target >= 0 {
		if fn, ok := f.fns.at(uint64(s.target)); ok {
			c.callee = fn
		}
	} else if v := f.target(pc, now); v == thingCode {
		f.fate.called = true
	} else if v.known && v.kind == isVariable && f.m.readOnly(v.n) { // a method of an interface value that is known
		if fn, ok := f.graph.slots.at(v.n); ok {
			c.callee = fn
		}
	}
	if c.callee >= 0 {
		c.name = f.calleeName(c.callee)
	}
	return c
}

// target returns what an indirect call calls: on amd64 CALL r/m64 (FF /2), on arm64 BLR. Source: Intel SDM, volume 2; Arm
// ARM for A-profile, C6.2.
func (f *follower) target(pc int64, now *registers) value {
	b := f.body.code[pc-int64(f.body.start):]
	if f.m.f.machine == elf.EM_AARCH64 {
		return now.r[binary.LittleEndian.Uint32(b)>>5&31]
	}
	high := 0
	if b[0]&0xf0 == 0x40 {
		high, b = int(b[0]&1)<<3, b[1:]
	}
	if len(b) < 3 || b[0] != 0xff || b[1]&0x38 != 0x10 {
		return value{}
	}
	r := int(b[1]&7) | high
	switch mod := b[1] >> 6; {
	case mod == 3:
		return now.r[r]
	case b[1]&7 == 4, mod == 2, mod == 0 && b[1]&7 == 5:
		return value{}
	case mod == 1:
		return now.load(now.r[r].add(int64(int8(b[2]))))
	}
	return now.load(now.r[r])
}

// calleeName returns the name of a function, without the directory that its package is vendored in; the same few are
// called all the time.
func (p *program) calleeName(fn int32) string {
	name, ok := p.flow.names[fn]
	if !ok {
		name = p.name(fn)
		if i := strings.LastIndex(name, vendored); i >= 0 {
			name = name[i+len(vendored):]
		}
		p.flow.names[fn] = name
	}
	return name
}

// standsFor says whether calling the i-th word of some arguments, or a method of it, calls the thing: it is the thing, a
// closure that calls it, or an object whose method does.
func (f *follower) standsFor(words [maxWords]value, i int) bool {
	v := words[i]
	if f.isThing(v) {
		return true
	}
	if !f.holds(v) {
		return false
	}
	if code, ok := f.now.load(v).constant(); ok && code != 0 {
		fn, ok := f.fns.at(code - f.mod.text)
		return ok && f.enter(fn, [maxWords]value{}, v).called
	}
	if i == 0 {
		return false
	}
	table, ok := words[i-1].constant()
	if !ok || !f.m.readOnly(table) {
		return false
	}
	for n := range uint64(4) {
		fn, ok := f.graph.slots.at(table + itabMethods + 8*n)
		if !ok {
			break
		}
		if f.enter(fn, [maxWords]value{v}, value{}).called {
			return true
		}
	}
	return false
}

// enter goes into a function that is called with some arguments, or as a closure.
func (f *follower) enter(fn int32, words [maxWords]value, context value) fate {
	if fn == f.fn {
		return fate{}
	}
	in := f.newFollower(fn, f.left, f.depth+1, f.judge)
	if in == nil {
		return fate{}
	}
	now := newRegisters(f.m.f.machine)
	for _, w := range f.now.memory {
		if w.at.site == thingSite {
			now.put(w.at, w.v)
		}
	}
	order := argumentRegisters[f.m.f.machine]
	for i, v := range words {
		w := f.translate(v, uint32(givenSites+i), &now)
		switch {
		case !w.known:
		case f.stackArguments(): // after the return address, on both machines
			now.write(value{known: true, kind: isFrame, n: uint64(8 + 8*i)}, w, 8)
		case i < len(order):
			now.r[order[i]] = w
		}
	}
	if context.known {
		now.r[contexts[f.m.f.machine]] = f.translate(context, givenSites+maxWords, &now)
	}
	in.run(int64(in.body.start), now)
	if in.fate.where != nil {
		f.inner = in.fate.where
	}
	return in.fate
}

// translate returns what a value is in a function that it is given to: numbers, the thing, and objects that hold it.
func (f *follower) translate(v value, site uint32, now *registers) value {
	if f.isThing(v) {
		return thing
	}
	if _, ok := v.constant(); ok {
		return v
	}
	if !f.holds(v) {
		return value{}
	}
	given := value{known: true, kind: isObject, site: site}
	for k := range uint64(followWords) {
		at := v
		at.n += 8 * k
		if w := f.word(at); f.isThing(w) {
			now.put(given.add(int64(8*k)), thing)
		} else if _, ok := w.constant(); ok {
			now.put(given.add(int64(8*k)), w)
		}
	}
	return given
}
