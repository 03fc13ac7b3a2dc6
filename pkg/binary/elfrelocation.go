package binary

import (
	"debug/elf"
	"fmt"
)

// copyRelocation is the type of R_*_COPY per machine. Source: the psABI of each; debug/elf.
var copyRelocation = map[elf.Machine]uint32{
	elf.EM_386:       uint32(elf.R_386_COPY),
	elf.EM_X86_64:    uint32(elf.R_X86_64_COPY),
	elf.EM_ARM:       uint32(elf.R_ARM_COPY),
	elf.EM_AARCH64:   uint32(elf.R_AARCH64_COPY),
	elf.EM_PPC64:     uint32(elf.R_PPC64_COPY),
	elf.EM_S390:      uint32(elf.R_390_COPY),
	elf.EM_RISCV:     uint32(elf.R_RISCV_COPY),
	elf.EM_MIPS:      126, // R_MIPS_COPY, not in debug/elf
	elf.EM_LOONGARCH: uint32(elf.R_LARCH_COPY),
}

// references returns the symbols that relocations name, and how.
func (d *dynamicTable) references() (map[uint32]reference, error) {
	refs := map[uint32]reference{}
	rel, rela := d.f.pick(8, 16), d.f.pick(12, 24)
	plt := rel
	if d.value(elf.DT_PLTREL) == uint64(elf.DT_RELA) {
		plt = rela
	}
	for _, t := range []struct {
		name              string
		table, size, skip elf.DynTag
		entry             uint64
		use               reference
	}{
		{"DT_REL", elf.DT_REL, elf.DT_RELSZ, elf.DT_RELCOUNT, rel, eager},
		{"DT_RELA", elf.DT_RELA, elf.DT_RELASZ, elf.DT_RELACOUNT, rela, eager},
		{"DT_JMPREL", elf.DT_JMPREL, elf.DT_PLTRELSZ, elf.DT_NULL, plt, lazy},
	} {
		if !d.has(t.table) {
			continue
		}
		skip := uint64(0)
		if t.skip != elf.DT_NULL {
			skip = d.value(t.skip)
		}
		if err := d.relocations(refs, d.value(t.table), d.value(t.size), t.entry, skip, t.use); err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.name, err)
		}
	}
	if err := d.mipsGOT(refs); err != nil {
		return nil, err
	}
	return refs, nil
}

// relocations adds the symbols of one table. Its first skip entries are relative, they name none.
func (d *dynamicTable) relocations(refs map[uint32]reference, at, size, entry, skip uint64, use reference) error {
	if size > maxRelocations {
		return fmt.Errorf("%d bytes, the limit is %d", size, maxRelocations)
	}
	count := size / entry
	if count <= skip {
		return nil
	}
	at += skip * entry
	copyType, hasCopy := copyRelocation[d.f.machine]
	for left := (count - skip) * entry; left > 0; {
		n := min(left, windowSize/entry*entry)
		b, err := d.f.at(at, n)
		if err != nil {
			return err
		}
		at, left = at+n, left-n
		for ; len(b) > 0; b = b[entry:] {
			symbol, kind := d.relocation(b)
			if symbol == 0 {
				continue
			}
			u := use
			if hasCopy && kind == copyType {
				u = copied
			}
			refs[symbol] |= u
			if len(refs) > maxSymbols {
				return fmt.Errorf("more than %d symbols", maxSymbols)
			}
		}
	}
	return nil
}

// relocation decodes the symbol and type of a relocation; r_info follows r_offset.
func (d *dynamicTable) relocation(b []byte) (symbol, kind uint32) {
	f := d.f
	if !f.is64 {
		info := f.order.Uint32(b[4:])
		return info >> 8, info & 0xff
	}
	if f.machine == elf.EM_MIPS { // r_sym is a 32-bit field of its own, then r_ssym and three types
		return f.order.Uint32(b[8:]), uint32(b[15])
	}
	info := f.order.Uint64(b[8:])
	return uint32(info >> 32), uint32(info)
}

// mipsGOT adds the symbols from DT_MIPS_GOTSYM on: the loader fills their global offset table entries without
// relocations. Source: MIPS psABI, "Global Offset Table".
func (d *dynamicTable) mipsGOT(refs map[uint32]reference) error {
	if d.f.machine != elf.EM_MIPS || !d.has(elf.DT_MIPS_GOTSYM) {
		return nil
	}
	first, end := d.value(elf.DT_MIPS_GOTSYM), d.value(elf.DT_MIPS_SYMTABNO)
	if end > maxSymbols {
		return fmt.Errorf("reading DT_MIPS_SYMTABNO: %d symbols, the limit is %d", end, maxSymbols)
	}
	if first >= end {
		return nil
	}
	if _, err := d.symbol(end - 1); err != nil { // before the list is made
		return fmt.Errorf("reading DT_MIPS_SYMTABNO: %w", err)
	}
	for i := first; i < end; i++ {
		refs[uint32(i)] |= eager
	}
	return nil
}
