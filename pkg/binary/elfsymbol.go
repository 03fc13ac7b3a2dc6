package binary

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"
)

// reference is how relocations use a symbol.
type reference uint8

const (
	eager  reference = 1 << iota // bound when the file is loaded
	lazy                         // bound at the first call, unless the loader binds everything at once
	copied                       // the data is copied from the library that defines it (R_*_COPY)
)

// undefined returns the symbols that relocations name and others must define, in the order of the symbol table. A
// symbol that nothing refers to is never looked up and is left out.
func (d *dynamicTable) undefined(versions versionNames) ([]Symbol, error) {
	if !d.has(elf.DT_SYMTAB) {
		return nil, nil
	}
	references, err := d.references()
	if err != nil {
		return nil, err
	}
	indexes := make([]uint32, 0, len(references))
	for i := range references {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	var out []Symbol
	for _, i := range indexes {
		s, err := d.symbol(uint64(i))
		if err != nil {
			return nil, err
		}
		use := references[i]
		if s.name == 0 || s.binding == elf.STB_LOCAL || s.section != elf.SHN_UNDEF && use&copied == 0 {
			continue
		}
		sym, err := d.named(s, versions)
		if err != nil {
			return nil, err
		}
		sym.Weak = s.binding == elf.STB_WEAK && s.section == elf.SHN_UNDEF
		sym.Lazy = use == lazy
		out = append(out, sym)
	}
	return out, nil
}

// defined returns the symbols that other files can find here, in the order of the symbol table. Source: glibc
// elf/dl-lookup.c, do_lookup_x.
func (d *dynamicTable) defined(versions versionNames, program bool) ([]Symbol, error) {
	if !d.has(elf.DT_SYMTAB) {
		return nil, nil
	}
	first, end, err := d.hashed()
	if err != nil {
		return nil, err
	}
	var goNames bitset
	if program {
		goNames = d.goNames()
	}
	var out []Symbol
	size := d.f.pick(elf.Sym32Size, elf.Sym64Size)
	for i := first; i < end; {
		b, err := d.f.at(d.value(elf.DT_SYMTAB)+i*size, min(end-i, symbolBatch)*size)
		if err != nil {
			return nil, fmt.Errorf("symbol %d: %w", i, err)
		}
		for ; len(b) > 0; b, i = b[size:], i+1 {
			if goNames.has(uint64(d.f.order.Uint32(b))) { // most, in a program whose symbols all are exported
				continue
			}
			s := d.f.symbol(i, b)
			if !s.isDefined() {
				continue
			}
			sym, err := d.named(s, versions)
			if err != nil {
				return nil, err
			}
			if program && isGoName(sym.Name) { // it shares the tail of another name
				continue
			}
			sym.Weak = s.binding == elf.STB_WEAK
			out = append(out, sym)
		}
	}
	return out, nil
}

// symbolBatch is how many symbols are read at once.
const symbolBatch = 512

// isDefined says whether other files can find a symbol.
func (s *symbolEntry) isDefined() bool {
	return s.section != elf.SHN_UNDEF && s.binding != elf.STB_LOCAL &&
		s.visibility != elf.STV_HIDDEN && s.visibility != elf.STV_INTERNAL &&
		(s.value != 0 || s.section == elf.SHN_ABS || s.kind == elf.STT_TLS)
}

// goNames returns where names that only Go code can name begin in the string table. A look at all of them in their
// order takes a fifth of the time of one at each symbol's name, for symbols lie in another order than their names.
func (d *dynamicTable) goNames() bitset {
	set := newBitset(uint64(len(d.strings)))
	for i := 0; i < len(d.strings); {
		end := strings.IndexByte(d.strings[i:], 0)
		if end < 0 {
			break
		}
		if isGoName(d.strings[i : i+end]) {
			set.set(uint64(i))
		}
		i += end + 1
	}
	return set
}

// isGoName says whether only Go code can name a symbol: there is a dot or a colon in its name. Libraries of
// -buildmode=shared refer to those of package main, so they are not counted.
func isGoName(name string) bool {
	name = name[:min(len(name), maxName)]
	return !strings.HasPrefix(name, "main.") && (strings.IndexByte(name, '.') >= 0 || strings.IndexByte(name, ':') >= 0)
}

// symbolEntry is one entry of the symbol table.
type symbolEntry struct {
	index      uint64
	name       uint32
	value      uint64
	binding    elf.SymBind
	kind       elf.SymType
	visibility elf.SymVis
	section    elf.SectionIndex
}

// symbol reads an entry of DT_SYMTAB.
func (d *dynamicTable) symbol(i uint64) (symbolEntry, error) {
	size := d.f.pick(elf.Sym32Size, elf.Sym64Size)
	b, err := d.f.at(d.value(elf.DT_SYMTAB)+i*size, size)
	if err != nil {
		return symbolEntry{}, fmt.Errorf("symbol %d: %w", i, err)
	}
	return d.f.symbol(i, b), nil
}

// symbol decodes entry i of a symbol table (Elf32_Sym, Elf64_Sym).
func (f *elfFile) symbol(i uint64, b []byte) symbolEntry {
	info, other, section, value := b[4], b[5], f.order.Uint16(b[6:]), uint64(0)
	if f.is64 {
		value = f.word(b[8:])
	} else {
		value = f.word(b[4:])
		info, other, section = b[12], b[13], f.order.Uint16(b[14:])
	}
	return symbolEntry{
		index: i, name: f.order.Uint32(b), value: value,
		binding: elf.ST_BIND(info), kind: elf.ST_TYPE(info), visibility: elf.ST_VISIBILITY(other),
		section: elf.SectionIndex(section),
	}
}

// named gives a symbol its name and version.
func (d *dynamicTable) named(s symbolEntry, versions versionNames) (Symbol, error) {
	name, err := d.name(uint64(s.name))
	if err != nil {
		return Symbol{}, fmt.Errorf("symbol %d: %w", s.index, err)
	}
	sym := Symbol{Name: name}
	if !d.has(elf.DT_VERSYM) {
		return sym, nil
	}
	b, err := d.versym.at(d.value(elf.DT_VERSYM)+2*s.index, 2)
	if err != nil {
		return Symbol{}, fmt.Errorf("the version of symbol %d: %w", s.index, err)
	}
	index := d.f.order.Uint16(b)
	if v, ok := versions[index&^versionHidden]; ok && index&^versionHidden > versionGlobal {
		sym.Version, sym.Library = v.name, v.library
	}
	if s.section != elf.SHN_UNDEF {
		sym.index = index
	}
	return sym, nil
}
