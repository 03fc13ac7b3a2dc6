package binary

import (
	"debug/elf"
	"strings"
)

// duffs applies a call into the middle of runtime.duffzero or runtime.duffcopy, and reports whether it is one: they keep
// all registers but a few. Source: runtime/mkduff.go.
func (t *tracer) duffs(target int64, now *registers) bool {
	if target < 0 {
		return false
	}
	name := t.name(t.functionAt(uint32(target)))
	from, to := 6, 7 // SI, DI
	if t.m.f.machine == elf.EM_AARCH64 {
		from, to = 20, 21
	}
	switch {
	case strings.HasPrefix(name, "runtime.duffzero"):
		if t.m.f.machine == elf.EM_AARCH64 {
			to = 20
		}
		now.zero(now.r[to])
		now.set(to, value{})
		return true
	case strings.HasPrefix(name, "runtime.duffcopy"):
		now.forget(now.r[to])
		for _, r := range []int{from, to, 26, 27} { // the last two, and the first vector, on their way
			now.set(r, value{})
		}
		now.vector[0] = [2]value{}
		return true
	}
	return false
}

// zero records that some words from an address on become zero, and no others change. A fresh object stays one.
func (r *registers) zero(from value) {
	if !from.known || from.kind != isObject || !r.isFresh(from) {
		r.forget(from)
		return
	}
	var set []value
	for _, w := range r.memory {
		if w.at.kind == isObject && w.at.site == from.site && int64(w.at.n) >= int64(from.n) && w.at != fresh(from) {
			set = append(set, w.at)
		}
	}
	for _, at := range set {
		r.put(at, value{})
	}
}
