package binary

import "debug/elf"

// inlinedNodes returns the nodes of a function that end with a call in the code of a function that is inlined there; none
// if that cannot be told. Other nodes may hold single instructions of it that the compiler moved.
func (p *program) inlinedNodes(g *flowGraph, name string) []int32 {
	r, ok := p.recordOf(g.fn)
	if !ok || r.inlTree == 0 {
		return nil
	}
	var found []int32
	values := p.pcValues(r.inlPCs)
	for i := range g.nodes {
		if n := &g.nodes[i]; n.ends == calls && p.isInlinedAt(r, values, n.last-g.body.start, name) {
			found = append(found, int32(i))
		}
	}
	return found
}

// recordOf reads the record of a function.
func (p *program) recordOf(fn int32) (record, bool) {
	size := p.table.indexEntry()
	b := make([]byte, size)
	if !p.m.read(p.table.records+uint64(fn)*size, b) {
		return record{}, false
	}
	offset := uint64(p.m.f.order.Uint32(b[size/2:]))
	if p.table.format == format116 {
		offset = p.m.f.word(b[size/2:])
	}
	r, err := p.table.readRecord(p.m.f.clone(), offset, p.mod.gofunc)
	return r, err == nil
}

// pcValue is a value that holds up to an offset from a function's entry.
type pcValue struct {
	end   uint32
	value int32
}

// pcValues reads a pc-value table. Source: runtime/symtab.go, step.
func (p *program) pcValues(at uint64) []pcValue {
	quantum := uint32(1)
	if p.m.f.machine == elf.EM_AARCH64 {
		quantum = 4
	}
	v := varints{m: p.m, at: at, left: maxPCValues}
	value, pc := int32(-1), uint32(0)
	var all []pcValue
	for first := true; !v.bad; first = false {
		d := v.next()
		if d == 0 && !first || v.bad {
			break
		}
		value += int32(d>>1) ^ -int32(d&1)
		pc += v.next() * quantum
		all = append(all, pcValue{pc, value})
	}
	return all
}

// isInlinedAt says whether an instruction is part of an inlined function, or of one inlined into that. Source:
// runtime/symtabinl.go, inlinedCall and inlineUnwinder.
func (p *program) isInlinedAt(r record, values []pcValue, pc uint32, name string) bool {
	size, nameAt, parentAt := uint64(16), 4, 8
	if p.table.format < format120 {
		size, nameAt, parentAt = 20, 12, 16
	}
	b := make([]byte, size)
	for range 32 { // deep
		value := int32(-1)
		for _, v := range values {
			if pc < v.end {
				value = v.value
				break
			}
		}
		if value < 0 || value >= maxInlined || !p.m.read(r.inlTree+uint64(value)*size, b) {
			return false
		}
		if s, ok := p.m.cString(p.table.names+uint64(p.m.f.order.Uint32(b[nameAt:])), maxName); ok && unescape(s) == name {
			return true
		}
		pc = p.m.f.order.Uint32(b[parentAt:])
	}
	return false
}
