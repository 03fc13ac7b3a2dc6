package binary

import "bytes"

// structField finds a struct type by its name as reflect prints it ("tls.Config"), and one of its fields. It returns
// the addresses of the types of that name, and the field's offset in the first that has it. Types of 64-bit
// programs of 1.17 and later are read.
//
// Source: internal/abi/type.go, Type, StructType and Name.
func (m *memory) structField(mod *module, name, field string) (types []uint64, offset uint64) {
	if !m.f.is64 || mod.etypes <= mod.types {
		return nil, 0
	}
	size := mod.etypes - mod.types
	text := append([]byte{byte(len(name) + 1), '*'}, name...) // a struct shares the name of its pointer
	names := map[uint32]bool{}
	err := m.walk(mod.types, size, len(text), func(address uint64, b []byte, n int) {
		for from := 0; len(names) < 16; {
			i := bytes.Index(b[from:], text)
			if i < 0 || from+i >= n {
				return
			}
			names[uint32(address-mod.types)+uint32(from+i)-1] = true // the name's flags come first
			from += i + 1
		}
	})
	if err != nil || len(names) == 0 {
		return nil, 0
	}
	const kindAt, nameAt, kindStruct, kindMask = 23, 40, 25, 1<<5 - 1
	err = m.walk(mod.types, size, 48, func(address uint64, b []byte, n int) {
		for i := -address % 8; i < uint64(n) && i+48 <= uint64(len(b)); i += 8 {
			if b[i+kindAt]&kindMask == kindStruct && names[m.f.order.Uint32(b[i+nameAt:])] && len(types) < 16 {
				types = append(types, address+i)
			}
		}
	})
	if err != nil {
		return nil, 0
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
