package binary

import (
	"slices"
	"strings"
)

// Limits of what is looked at to see what becomes of one value.
const (
	followBefore = 384     // bytes of code before the place where it is made
	followSteps  = 400     // instructions, in all functions that it is passed to
	followAll    = 1 << 11 // instructions, for all values of another's package; for all four times that, and one for 8 KiB of text
	followUp     = 160     // instructions in a function that it is returned to
	followDepth  = 3       // calls deep
	followPaths  = 32      // branches not yet taken
	followWords  = 16      // words of an object that are passed on
)

// follower sees what becomes of a value, the thing, along the branches of one function. It goes over each instruction
// once, and what it sees happens if that way is taken.
//
// The thing is a function value, the table of an interface value with one method, or a pointer to an object.
type follower struct {
	*program
	body  body
	fn    int32
	depth int
	left  *int              // instructions that may still be decoded
	types map[uint32]uint64 // of the objects that are made here, by site
	seen  map[int64]bool
	todo  []pending
	now   *registers
	fate  fate
	inner []place // where of the function that was gone into last
	judge judge
}

// judge says what a call does to the thing that it is given, and what it returns of it.
type judge func(f *follower, c *passed) (results [maxWords]value)

// pending is a way that is still to be gone.
type pending struct {
	at  int64
	now registers
}

// fate is what becomes of the thing.
type fate struct {
	called    bool // it is called, or put where it will be
	handles   bool // it handles requests, if the program serves any
	byDefault bool // it handles them, if the program serves net/http's default mux
	out       bool // it is stored, passed on or returned
	framed    bool // it is stored in the function's own frame
	results   [maxWords]value
	commands  []uint32 // sites of the commands that run it
	variables []uint64 // words of variables that it is stored in
	above     []above  // what becomes of it where it is returned to
	where     []place  // the call that decides, and in the function that it goes into the next one
}

// passed is a call while the thing is about.
type passed struct {
	at     uint32
	callee int32 // -1 if it is not known
	name   string
	words  [maxWords]value
}

// The places that stand for the thing, for the code that it points to, and for objects that a function is given.
const (
	thingSite  = 1<<32 - 1
	codeSite   = 1<<32 - 2
	givenSites = 1<<32 - 256
)

var (
	thing     = value{known: true, kind: isObject, site: thingSite}
	thingCode = value{known: true, kind: isObject, site: codeSite}
)

// newFollower is one for a function; nil if its code cannot be read.
func (p *program) newFollower(fn int32, left *int, depth int, j judge) *follower {
	start, end := p.fns.span(fn)
	b := p.flow.body
	if b.start != start || b.code == nil {
		b = body{start: start, decode: decoders[p.m.f.machine]}
		if b.decode == nil || end-start > maxCode || depth > followDepth {
			return nil
		}
		b.code = make([]byte, end-start)
		if !p.m.read(p.mod.text+uint64(start), b.code) {
			return nil
		}
	}
	if depth == 0 {
		p.flow.body = b
	}
	return &follower{program: p, body: b, fn: fn, depth: depth, left: left, types: map[uint32]uint64{}, seen: map[int64]bool{}, judge: j}
}

// from goes on from an instruction, after which install puts the thing where it is. What goes before is passed over
// in the order of the text, to know the objects that were made there.
func (f *follower) from(at uint32, install func(now *registers, c *passed) bool) {
	now := newRegisters(f.m.f.machine)
	for pc := int64(f.lineBefore(at)); pc <= int64(at); {
		s, ok := f.step(pc, &now)
		if !ok {
			return
		}
		var c *passed
		switch s.flow {
		case flowCall:
			if c = f.callAt(pc, s, &now); !isBarrier(c.name) {
				f.comesBack(c, &now)
			}
		case flowJump:
			if s.target > pc && s.target <= int64(at) { // over what goes with a write barrier
				pc = s.target
				continue
			}
			now.clear()
		}
		if pc == int64(at) && install(&now, c) {
			f.run(pc+int64(s.size), now)
		}
		pc += int64(s.size)
	}
}

// lineBefore returns the start of an instruction some way before another.
func (f *follower) lineBefore(at uint32) uint32 {
	low := uint32(max(int64(f.body.start), int64(at)-followBefore))
	if !f.isLazy(f.fn) { // all instructions have four bytes, or the function was decoded
		return low &^ 3
	}
	begin := f.straight(f.fn).begin
	if i, _ := slices.BinarySearch(begin, low); i < len(begin) && begin[i] <= at {
		return begin[i]
	}
	return f.body.start
}

// step decodes an instruction.
func (f *follower) step(pc int64, now *registers) (step, bool) {
	i := pc - int64(f.body.start)
	if *f.left--; *f.left < 0 || i < 0 || i >= int64(len(f.body.code)) {
		return step{}, false
	}
	s, ok := f.body.decode(f.program, f.body.code[i:], pc, now)
	return s, ok && s.size > 0
}

// run goes all ways from an instruction, until one is enough.
func (f *follower) run(pc int64, now registers) {
	f.todo = append(f.todo, pending{pc, now})
	for len(f.todo) > 0 && !f.fate.called {
		next := f.todo[len(f.todo)-1]
		f.todo = f.todo[:len(f.todo)-1]
		f.way(next.at, &next.now)
	}
}

// way goes one way to its end.
func (f *follower) way(pc int64, now *registers) {
	f.now, now.store = now, f.stored
	for !f.seen[pc] {
		f.seen[pc] = true
		s, ok := f.step(pc, now)
		if !ok {
			return
		}
		next := pc + int64(s.size)
		switch s.flow {
		case flowBranch:
			if len(f.todo) < followPaths && f.inBody(s.target) && !f.seen[s.target] {
				f.todo = append(f.todo, pending{s.target, now.clone()})
			}
		case flowJump:
			if !f.inBody(s.target) {
				f.ends(pc, s, now)
				return
			}
			next = s.target
		case flowCall:
			if !f.calls(pc, s, now) {
				return
			}
		}
		pc = next
	}
}

func (f *follower) inBody(target int64) bool {
	return target >= int64(f.body.start) && target < int64(f.body.start)+int64(len(f.body.code))
}

// ends is told of a jump out of the function: a call in the place of a return, or a return.
func (f *follower) ends(pc int64, s step, now *registers) {
	if s.target >= 0 {
		f.calls(pc, s, now)
		return
	}
	if f.stackArguments() || f.fate.results[0].known {
		return
	}
	words := f.arguments(now) // results are in the same registers
	results, any := f.passOn(words), false
	for i := range results {
		if f.standsFor(words, i) {
			results[i], any, f.fate.out = thing, true, true
		}
	}
	if any {
		f.fate.results = results
	}
}

// passOn keeps the words that mean the same in another function.
func (f *follower) passOn(words [maxWords]value) (all [maxWords]value) {
	for i, w := range words {
		if _, ok := w.constant(); ok {
			all[i] = w
		} else if f.isThing(w) {
			all[i] = thing
		}
	}
	return all
}

// calls applies a call, and reports whether the way goes on.
func (f *follower) calls(pc int64, s step, now *registers) bool {
	before := f.fate
	f.inner = nil
	c := f.callAt(pc, s, now)
	defer f.decided(&before, c.at)
	switch {
	case f.fate.called || endsHere(c.name):
		return false
	case isBarrier(c.name):
		return true
	}
	var results [maxWords]value
	if f.given(c) {
		if results = f.judge(f, c); f.fate.called {
			return false
		}
		f.now = now
	}
	f.comesBack(c, now)
	for i, r := range argumentRegisters[f.m.f.machine] {
		if results[i].known && !f.stackArguments() {
			now.r[r] = results[i]
		}
	}
	return f.alive(now)
}

// decided records where it was decided what becomes of the thing.
func (f *follower) decided(before *fate, at uint32) {
	if f.fate.called && !before.called || before.where == nil && (f.fate.handles && !before.handles || f.fate.byDefault && !before.byDefault) {
		f.fate.where = append([]place{{f.fn, at}}, f.inner...)
	}
}

// isBarrier says whether a function of the runtime keeps the registers, and does what the code beside it does.
func isBarrier(name string) bool { return strings.HasPrefix(name, "runtime.gcWriteBarrier") }

// endsHere says whether a function of the runtime does not come back, or starts its caller anew.
func endsHere(name string) bool {
	return strings.HasPrefix(name, "runtime.morestack") || strings.HasPrefix(name, "runtime.panic") ||
		strings.HasPrefix(name, "runtime.goPanic") || name == "runtime.gopanic"
}

// given says whether a call has the thing, or memory that holds it.
func (f *follower) given(c *passed) bool {
	return slices.ContainsFunc(c.words[:], func(w value) bool { return f.isThing(w) || f.holds(w) })
}

// isThing says whether a value is the thing: a pointer to its code is, too.
func (f *follower) isThing(v value) bool {
	return v == thing || v.known && (v.kind == isObject || v.kind == isFrame) && f.word(v) == thingCode
}

// word returns what is known of the word at an address, without a guess.
func (f *follower) word(at value) value {
	v, _ := f.now.memory.get(at)
	return v
}

// holds says whether the object that a value points to holds the thing.
func (f *follower) holds(v value) bool {
	if !v.known || v.kind != isObject && v.kind != isFrame {
		return false
	}
	return slices.ContainsFunc(f.now.memory, func(w knownWord) bool {
		return w.at.kind == v.kind && w.at.site == v.site && w.at.n-v.n < 8*followWords && f.isThing(w.v)
	})
}

// alive says whether the thing is still about.
func (f *follower) alive(now *registers) bool {
	about := func(v value) bool { return v == thing || v == thingCode }
	if slices.ContainsFunc(now.r[:], about) {
		return true
	}
	return slices.ContainsFunc(now.memory, func(w knownWord) bool { return about(w.v) && w.at.site != thingSite })
}

// comesBack forgets what a call may have changed. Its first result is an object of its own.
func (f *follower) comesBack(c *passed, now *registers) {
	for _, v := range c.words {
		if v.known && v.kind == isFrame {
			now.forget(v)
		}
	}
	sp, memory, store := now.r[now.sp], now.memory, now.store
	now.clear()
	memory = slices.DeleteFunc(memory, func(w knownWord) bool { return w.at.kind == isNumber })
	now.memory, now.r[now.sp], now.store = memory, sp, nil
	(&tracer{program: f.program}).allocate(c.at, now)
	now.store = store
	if c.name == "runtime.newobject" {
		f.types[c.at], _ = c.words[0].constant()
		return
	}
	delete(f.types, c.at)
	now.memory = now.memory.without(fresh(value{known: true, kind: isObject, site: c.at}))
}

// stored is told of every word that is stored where it is known.
func (f *follower) stored(at, v value) {
	switch address, global := at.constant(); {
	case at.kind == isFrame:
		f.fate.framed = f.fate.framed || v == thingCode || f.isThing(v)
	case !f.isThing(v) || at.site == thingSite:
	case global:
		f.fate.out, f.fate.variables = true, append(f.fate.variables, address)
	default:
		f.fate.out = true
		f.storedInField(at)
	}
}
