package binary

import (
	"debug/elf"
	"errors"
	"fmt"
)

// versionName is what an index of DT_VERSYM stands for.
type versionName struct{ name, library string }

// versionNames maps the index, without the hidden bit, to its version.
type versionNames map[uint16]versionName

// Bits and values of symbol versions. Source: Linux Standard Base, "Symbol Versioning".
const (
	versionBase   = 1      // VER_FLG_BASE: the entry names the file itself
	versionWeak   = 2      // VER_FLG_WEAK
	versionGlobal = 1      // indexes up to this one mean "no version"
	versionHidden = 0x8000 // the definition is not the default one
)

// versionNeeds reads DT_VERNEED (Elf_Verneed, 16 bytes; Elf_Vernaux, 16 bytes) and records the indexes in names.
func (d *dynamicTable) versionNeeds(names versionNames) ([]VersionNeed, error) {
	var needs []VersionNeed
	total := 0
	err := d.chain(elf.DT_VERNEED, elf.DT_VERNEEDNUM, 16, 12, func(at uint64, b []byte) error {
		library, err := d.name(uint64(d.f.order.Uint32(b[4:])))
		if err != nil {
			return err
		}
		need := VersionNeed{Library: library}
		aux, count := at+uint64(d.f.order.Uint32(b[8:])), uint64(d.f.order.Uint16(b[2:]))
		err = d.walk(aux, count, 16, 12, func(_ uint64, b []byte) error {
			if total++; total > maxVersions {
				return fmt.Errorf("more than %d versions", maxVersions)
			}
			name, err := d.name(uint64(d.f.order.Uint32(b[8:])))
			if err != nil {
				return err
			}
			names[d.f.order.Uint16(b[6:])&^versionHidden] = versionName{name, library}
			if d.f.order.Uint16(b[4:])&versionWeak == 0 {
				need.Versions = append(need.Versions, name)
			}
			return nil
		})
		needs = append(needs, need)
		return err
	})
	return needs, err
}

// versionDefs reads DT_VERDEF (Elf_Verdef, 20 bytes; the name is in the first Elf_Verdaux) and records the indexes in
// names. The base entry, which names the file, is left out.
func (d *dynamicTable) versionDefs(names versionNames) ([]string, error) {
	var defs []string
	err := d.chain(elf.DT_VERDEF, elf.DT_VERDEFNUM, 20, 16, func(at uint64, b []byte) error {
		flags, index := d.f.order.Uint16(b[2:]), d.f.order.Uint16(b[4:])
		aux := at + uint64(d.f.order.Uint32(b[12:]))
		b, err := d.f.at(aux, 8)
		if err != nil {
			return err
		}
		name, err := d.name(uint64(d.f.order.Uint32(b)))
		if err != nil || flags&versionBase != 0 {
			return err
		}
		names[index&^versionHidden] = versionName{name: name}
		defs = append(defs, name)
		return nil
	})
	return defs, err
}

// chain walks the table that a tag points to; another tag counts its entries.
func (d *dynamicTable) chain(table, number elf.DynTag, size, next uint64, visit func(at uint64, b []byte) error) error {
	if !d.has(table) {
		return nil
	}
	count := d.value(number)
	if count > maxVersions {
		return fmt.Errorf("%d entries, the limit is %d", count, maxVersions)
	}
	return d.walk(d.value(table), count, size, next, visit)
}

// walk visits up to count entries of a chain that starts at an address. Each entry has size bytes and, at offset next,
// the distance to the one after it, 0 in the last.
func (d *dynamicTable) walk(at, count, size, next uint64, visit func(at uint64, b []byte) error) error {
	for ; count > 0; count-- {
		b, err := d.f.at(at, size)
		if err != nil {
			return err
		}
		step := uint64(d.f.order.Uint32(b[next:]))
		if err := visit(at, b); err != nil {
			return err
		}
		if step == 0 {
			return nil
		}
		if at+step < at {
			return errors.New("the chain runs out of the address space")
		}
		at += step
	}
	return nil
}
