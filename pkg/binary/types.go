package binary

import "bytes"

// maxTypes is how many struct types are looked at; dockerd has 12,000.
const maxTypes = 1 << 17

// namedType is what may be a struct type, and where its name is, counted from moduledata.types.
type namedType struct {
	at   uint64
	name uint32
}

// structField finds a struct type by its name as reflect prints it ("tls.Config"), and one of its fields. It returns
// the addresses of the types of that name, and the field's offset in the first that has it. Types of 64-bit
// programs of 1.17 and later are read.
//
// Source: internal/abi/type.go, Type, StructType and Name.
func (m *memory) structField(mod *module, name, field string) (types []uint64, offset uint64) {
	if !m.f.is64 || mod.etypes <= mod.types {
		return nil, 0
	}
	const kindAt, nameAt, kindStruct, kindMask, bound = 23, 40, 25, 1<<5 - 1, 16
	text := append([]byte{byte(len(name) + 1), '*'}, name...) // a struct shares the name of its pointer
	names := map[uint32]bool{}
	var structs []namedType
	err := m.walk(mod.types, mod.etypes-mod.types, nameAt+8, func(address uint64, b []byte, n int) {
		for from := 0; len(names) < 16; {
			i := bytes.Index(b[from:], text)
			if i < 0 || from+i >= n {
				break
			}
			names[uint32(address-mod.types)+uint32(from+i)-1] = true // the name's flags come first
			from += i + 1
		}
		for i := -address % 8; i < uint64(n) && i+nameAt+8 <= uint64(len(b)); i += 8 {
			// Flags and alignments come before the kind.
			if b[i+kindAt]&kindMask == kindStruct && b[i+kindAt-1]|b[i+kindAt-2]|b[i+kindAt-3] < bound && len(structs) < maxTypes {
				structs = append(structs, namedType{address + i, m.f.order.Uint32(b[i+nameAt:])})
			}
		}
	})
	if err != nil {
		return nil, 0
	}
	for _, t := range structs {
		if names[t.name] && len(types) < 16 {
			types = append(types, t.at)
		}
	}
	for _, t := range types {
		if offset, ok := m.fieldOffset(t, field); ok {
			return types, offset
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
