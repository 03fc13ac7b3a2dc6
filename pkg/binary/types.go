package binary

import "bytes"

// maxTypes is how many struct types are looked at; dockerd has 12,000.
const maxTypes = 1 << 17

// maxNames is how many places a name is looked at, and how many types of it; programs have one or two.
const maxNames = 16

// namedType is what may be a struct type, and where its name is, counted from moduledata.types.
type namedType struct {
	at   uint64
	name uint32
}

// wantedStructs are the struct types that are looked for, as reflect prints them.
var wantedStructs = []string{"tls.Config", "http.Transport", "cobra.Command"}

// typeSearch finds the struct types of some names among the types of a program. Types of 64-bit programs of 1.17 and
// later are read.
//
// Source: internal/abi/type.go, Type, StructType and Name.
type typeSearch struct {
	m *memory
	span
	names   map[uint32]string // by offset from the start
	structs []namedType
}

// see looks at a part of the data; what follows its n bytes belongs to the next one.
func (t *typeSearch) see(address uint64, b []byte, n int) {
	const kindAt, nameAt, kindStruct, kindMask, bound = 23, 40, 25, 1<<5 - 1, 16
	if !t.m.f.is64 || t.end <= t.start || address+uint64(n) <= t.start || address >= t.end {
		return
	}
	b = b[:min(uint64(len(b)), t.end-address)]
	if skip := t.start - address; address < t.start {
		address, b, n = t.start, b[skip:], n-int(skip)
	}
	t.findNames(uint32(address-t.start), b, n)
	for i := -address % 8; i < uint64(n) && i+nameAt+8 <= uint64(len(b)); i += 8 {
		// Flags and alignments come before the kind.
		if b[i+kindAt]&kindMask == kindStruct && b[i+kindAt-1]|b[i+kindAt-2]|b[i+kindAt-3] < bound && len(t.structs) < maxTypes {
			t.structs = append(t.structs, namedType{address + i, t.m.f.order.Uint32(b[i+nameAt:])})
		}
	}
}

// findNames looks for the names in a part that begins at an offset from the start.
func (t *typeSearch) findNames(offset uint32, b []byte, n int) {
	if t.names == nil {
		t.names = map[uint32]string{}
	}
	for _, name := range wantedStructs {
		text := append([]byte{byte(len(name) + 1), '*'}, name...) // a struct shares the name of its pointer
		for from := 0; len(t.names) < maxNames*len(wantedStructs); {
			i := bytes.Index(b[from:], text)
			if i < 0 || from+i >= n {
				break
			}
			t.names[offset+uint32(from+i)-1] = name // the name's flags come first
			from += i + 1
		}
	}
}

// found returns the addresses of the types by name.
func (t *typeSearch) found() map[string][]uint64 {
	all := map[string][]uint64{}
	for _, s := range t.structs {
		if name, ok := t.names[s.name]; ok && len(all[name]) < maxNames {
			all[name] = append(all[name], s.at)
		}
	}
	return all
}

// structField returns the addresses of the types of a name of wantedStructs, and the offset of a field in the first
// that has it; none if none has it.
func (p *program) structField(name, field string) (types []uint64, offset uint64) {
	for _, at := range p.structs[name] {
		if offset, ok := p.m.fieldOffset(at, field); ok {
			return p.structs[name], offset
		}
	}
	return nil, 0
}

// fieldOffset returns the offset of a field of the struct type at an address.
func (m *memory) fieldOffset(at uint64, field string) (uint64, bool) {
	const fieldsAt, entry, most = 56, 24, 256
	fields, ok1 := m.word(at + fieldsAt)
	count, ok2 := m.word(at + fieldsAt + 8)
	if !ok1 || !ok2 {
		return 0, false
	}
	want := string(rune(len(field))) + field // after the flags
	for i := range min(count, most) {
		name, ok := m.word(fields + i*entry)
		if text, found := m.text(name+1, uint64(len(want))); !ok || !found || text != want {
			continue
		}
		return m.word(fields + i*entry + 16)
	}
	return 0, false
}
