package binary

import (
	"bytes"
	"cmp"
	"debug/elf"
	"slices"
	"strings"
)

// Limits of the section table. Programs have some 40 sections, the names of a few bytes.
const (
	maxSections    = 1 << 12
	maxSectionName = 256
)

// readSections reads the section table, nil if there is none or it lies. Neither the kernel nor the loader looks at it,
// so a program starts with any: what does not hold together (entries outside the file, sections that add up to more than
// the file has) is taken as gone. Contents of sections are never read, so it does not matter what they claim to inflate to.
//
// It returns the notes of the table too: Go's linker has no segment for all of them.
func readSections(f *elfFile) (all []Section, notes []segment) {
	headers, names := f.sectionHeaders()
	if headers == nil {
		return nil, nil
	}
	return f.sections(headers, headers[names])
}

// sectionHeaders reads the section table and which entry is that of the names; nil if there is none or it lies.
func (f *elfFile) sectionHeaders() (headers []sectionHeader, namesAt uint32) {
	h, err := f.bytes(0, f.pick(52, 64))
	if err != nil {
		return nil, 0
	}
	offset := f.word(h[f.pick(32, 40):])
	entry, count, names := f.order.Uint16(h[f.pick(46, 58):]), uint64(f.order.Uint16(h[f.pick(48, 60):])), uint32(f.order.Uint16(h[f.pick(50, 62):]))
	if offset == 0 || uint64(entry) != f.pick(40, 64) {
		return nil, 0
	}
	first, err := f.bytes(offset, uint64(entry))
	if err != nil {
		return nil, 0
	}
	if count == 0 { // too many for the header's field: they are in the first entry
		count = f.header(first).size
	}
	if names == uint32(elf.SHN_XINDEX) {
		names = f.header(first).link
	}
	if count > maxSections || uint64(names) >= count {
		return nil, 0
	}
	table, err := f.clone().bytes(offset, uint64(entry)*count)
	if err != nil {
		return nil, 0
	}
	headers = make([]sectionHeader, count)
	for i := range headers {
		headers[i] = f.header(table[i*int(entry):])
	}
	return headers, names
}

// sectionHeader is one entry of the section table (Elf32_Shdr, Elf64_Shdr).
type sectionHeader struct {
	name, kind, link uint32
	vaddr            uint64
	offset, size     uint64 // in the file
}

func (f *elfFile) header(b []byte) sectionHeader {
	s := sectionHeader{name: f.order.Uint32(b), kind: f.order.Uint32(b[4:])}
	s.vaddr = f.word(b[f.pick(12, 16):])
	s.offset, s.size, s.link = f.word(b[f.pick(16, 24):]), f.word(b[f.pick(20, 32):]), f.order.Uint32(b[f.pick(24, 40):])
	if elf.SectionType(s.kind) == elf.SHT_NOBITS {
		s.size = 0
	}
	return s
}

// sections names the sections and puts them in file order, nil if they do not fit into the file. Notes are among them.
func (f *elfFile) sections(headers []sectionHeader, names sectionHeader) (all []Section, notes []segment) {
	slices.SortStableFunc(headers, func(a, b sectionHeader) int { return cmp.Compare(a.offset, b.offset) })
	left := uint64(f.size)
	for _, s := range headers {
		if elf.SectionType(s.kind) == elf.SHT_NULL {
			continue
		}
		if s.size > left || s.size > 0 && s.offset > uint64(f.size)-s.size {
			return nil, nil
		}
		left -= s.size
		name, ok := f.sectionName(names, s.name)
		if !ok {
			return nil, nil
		}
		all = append(all, Section{Name: name, Size: int64(s.size)})
		if elf.SectionType(s.kind) == elf.SHT_NOTE {
			notes = append(notes, segment{kind: elf.PT_NOTE, offset: s.offset, size: s.size})
		}
	}
	return all, notes
}

// sectionName reads a name at an offset of the name section.
func (f *elfFile) sectionName(names sectionHeader, at uint32) (string, bool) {
	if uint64(at) >= names.size {
		return "", false
	}
	b, err := f.bytes(names.offset+uint64(at), min(names.size-uint64(at), maxSectionName))
	if err != nil {
		return "", false
	}
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return "", false
	}
	return string(b[:end]), true
}

// sizeOf adds up the sections that a test takes.
func sizeOf(all []Section, take func(name string) bool) int64 {
	total := int64(0)
	for _, s := range all {
		if take(s.Name) {
			total += s.Size
		}
	}
	return total
}

// isDebug tells DWARF sections; .zdebug_ are those compressed in the old way.
func isDebug(name string) bool {
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_")
}

// isSymbols tells the table of the linker's symbols, which nothing at run time reads.
func isSymbols(name string) bool { return name == ".symtab" || name == ".strtab" }
