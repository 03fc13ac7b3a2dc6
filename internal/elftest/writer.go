package elftest

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// writer lays the file out: header, program headers, tables, section headers. All of it is one loaded segment.
type writer struct {
	spec     Spec
	is64     bool
	buf      []byte
	strings  []byte            // .dynstr
	offsets  map[string]uint32 // of a string in it
	sections []section
	tags     []tag
}

// section is a section header to be.
type section struct {
	name         string
	kind         elf.SectionType
	offset, size int
	link         string // name of a section
	count, entry int
}

// tag is an entry of the dynamic table. An address is that of a section.
type tag struct {
	tag   elf.DynTag
	value uint64
	of    string // add the address of this section
}

// base is where the file is loaded.
func (w *writer) base() uint64 {
	if w.spec.Type == elf.ET_EXEC.String() {
		return 0x400000
	}
	return 0
}

// order is the byte order.
func (w *writer) order() binary.AppendByteOrder {
	if w.spec.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// pick returns the first number for a 32-bit file, the second for a 64-bit one.
func (w *writer) pick(n32, n64 int) int {
	if w.is64 {
		return n64
	}
	return n32
}

func (w *writer) half(b []byte, v int) []byte { return w.order().AppendUint16(b, uint16(v)) }
func (w *writer) long(b []byte, v int) []byte { return w.order().AppendUint32(b, uint32(v)) }
func (w *writer) word(b []byte, v uint64) []byte {
	if w.is64 {
		return w.order().AppendUint64(b, v)
	}
	return w.order().AppendUint32(b, uint32(v))
}

// str returns the offset of a string in .dynstr.
func (w *writer) str(s string) uint32 {
	off, ok := w.offsets[s]
	if !ok {
		off = uint32(len(w.strings))
		w.offsets[s] = off
		w.strings = append(append(w.strings, s...), 0)
	}
	return off
}

// add appends a section, aligned to 8 bytes.
func (w *writer) add(s section, b []byte) {
	for len(w.buf)%8 != 0 {
		w.buf = append(w.buf, 0)
	}
	s.offset, s.size = len(w.buf), len(b)
	w.buf = append(w.buf, b...)
	w.sections = append(w.sections, s)
}

// find returns a section by name and its index.
func (w *writer) find(name string) (section, int) {
	for i, s := range w.sections {
		if s.name == name {
			return s, i
		}
	}
	return section{}, 0
}

// file writes everything.
func (w *writer) file() ([]byte, error) {
	machine, err := machineByName(w.spec.Machine)
	if err != nil {
		return nil, err
	}
	kind, err := typeByName(w.spec.Type)
	if err != nil {
		return nil, err
	}
	segments := 1
	if w.spec.Interpreter != "" {
		segments += 2
	}
	if w.spec.dynamic() {
		segments++
	}
	w.sections = []section{{}} // the null section
	w.buf = make([]byte, w.pick(52, 64)+segments*w.pick(32, 56))
	if w.spec.Interpreter != "" {
		w.add(section{name: ".interp", kind: elf.SHT_PROGBITS}, append([]byte(w.spec.Interpreter), 0))
	}
	if w.spec.dynamic() {
		w.addTables(machine)
		w.addDynamic()
	}
	var text []byte
	for _, s := range w.spec.Strings {
		text = append(append(text, s...), 0)
	}
	w.add(section{name: ".rodata", kind: elf.SHT_PROGBITS}, append([]byte{0}, append(text, 0)...))
	loaded := len(w.buf)
	sectionsAt := w.addSections()
	copy(w.buf, w.header(machine, kind, segments, sectionsAt))
	copy(w.buf[w.pick(52, 64):], w.segments(segments, loaded))
	return w.buf, nil
}

// header encodes the ELF header.
func (w *writer) header(machine elf.Machine, kind elf.Type, segments, sectionsAt int) []byte {
	h := make([]byte, elf.EI_NIDENT)
	copy(h, elf.ELFMAG)
	h[elf.EI_CLASS], h[elf.EI_DATA], h[elf.EI_VERSION] = byte(w.pick(1, 2)), 1, byte(elf.EV_CURRENT)
	if w.spec.BigEndian {
		h[elf.EI_DATA] = 2
	}
	h = w.half(h, int(kind))
	h = w.half(h, int(machine))
	h = w.long(h, int(elf.EV_CURRENT))
	h = w.word(h, w.base())
	h = w.word(h, uint64(w.pick(52, 64)))
	h = w.word(h, uint64(sectionsAt))
	h = w.long(h, 0)
	for _, v := range []int{w.pick(52, 64), w.pick(32, 56), segments, w.pick(40, 64), len(w.sections), len(w.sections) - 1} {
		h = w.half(h, v)
	}
	return h
}

// segments encodes the program headers: PT_PHDR and PT_INTERP, PT_LOAD of the whole file, PT_DYNAMIC.
func (w *writer) segments(count, loaded int) []byte {
	var b []byte
	entry := func(kind elf.ProgType, offset, size int) {
		address := w.base() + uint64(offset)
		flags := int(elf.PF_R | elf.PF_W | elf.PF_X)
		b = w.long(b, int(kind))
		if w.is64 {
			b = w.long(b, flags)
		}
		b = w.word(b, uint64(offset))
		b = w.word(w.word(b, address), address)
		b = w.word(w.word(b, uint64(size)), uint64(size))
		if !w.is64 {
			b = w.long(b, flags)
		}
		b = w.word(b, 0x1000)
	}
	if s, i := w.find(".interp"); i > 0 {
		entry(elf.PT_PHDR, w.pick(52, 64), count*w.pick(32, 56))
		entry(elf.PT_INTERP, s.offset, s.size)
	}
	entry(elf.PT_LOAD, 0, loaded)
	if s, i := w.find(".dynamic"); i > 0 {
		entry(elf.PT_DYNAMIC, s.offset, s.size)
	}
	return b
}

// addSections appends the section names and headers and returns where the headers are.
func (w *writer) addSections() int {
	names := []byte{0}
	at := make([]int, 0, len(w.sections)+1)
	for _, s := range append(w.sections, section{name: ".shstrtab"}) {
		at = append(at, len(names))
		names = append(append(names, s.name...), 0)
	}
	w.add(section{name: ".shstrtab", kind: elf.SHT_STRTAB}, names)
	for len(w.buf)%8 != 0 {
		w.buf = append(w.buf, 0)
	}
	start := len(w.buf)
	for i, s := range w.sections {
		var b []byte
		b = w.long(w.long(b, at[i]), int(s.kind))
		address, flags := w.base()+uint64(s.offset), uint64(elf.SHF_ALLOC)
		if i == 0 || s.name == ".shstrtab" {
			address, flags = 0, 0
		}
		b = w.word(w.word(b, flags), address)
		b = w.word(w.word(b, uint64(s.offset)), uint64(s.size))
		_, link := w.find(s.link)
		b = w.long(w.long(b, link), s.count)
		b = w.word(w.word(b, 8), uint64(s.entry))
		w.buf = append(w.buf, b...)
	}
	return start
}

// machineByName finds a machine by the name debug/elf prints.
func machineByName(name string) (elf.Machine, error) {
	for m := range elf.Machine(512) {
		if m.String() == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("building an ELF file: unknown machine %q", name)
}

// typeByName finds a file type by the name debug/elf prints.
func typeByName(name string) (elf.Type, error) {
	for t := range elf.Type(5) {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("building an ELF file: unknown type %q", name)
}
