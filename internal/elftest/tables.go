package elftest

import (
	"debug/elf"
	"strings"
)

// addTables appends the symbol, hash, version and relocation tables, and notes their tags.
func (w *writer) addTables(machine elf.Machine) {
	s := w.spec
	for _, n := range s.Needed {
		w.tag(elf.DT_NEEDED, uint64(w.str(n)))
	}
	for _, t := range []struct {
		tag  elf.DynTag
		text string
	}{{elf.DT_SONAME, s.SOName}, {elf.DT_RPATH, strings.Join(s.RPath, ":")}, {elf.DT_RUNPATH, strings.Join(s.RunPath, ":")}} {
		if t.text != "" {
			w.tag(t.tag, uint64(w.str(t.text)))
		}
	}
	needs, needIndex := w.versionNeeds(len(s.VersionDefs) + 2)
	defs := w.versionDefs()
	w.addSymbols(needIndex)
	if len(needs) > 0 {
		w.add(section{name: ".gnu.version_r", kind: elf.SHT_GNU_VERNEED, link: ".dynstr", count: len(s.VersionNeeds)}, needs)
		w.address(elf.DT_VERNEED, ".gnu.version_r")
		w.tag(elf.DT_VERNEEDNUM, uint64(len(s.VersionNeeds)))
	}
	if len(defs) > 0 {
		w.add(section{name: ".gnu.version_d", kind: elf.SHT_GNU_VERDEF, link: ".dynstr", count: len(s.VersionDefs) + 1}, defs)
		w.address(elf.DT_VERDEF, ".gnu.version_d")
		w.tag(elf.DT_VERDEFNUM, uint64(len(s.VersionDefs)+1))
	}
	w.addRelocations(machine)
	w.add(section{name: ".dynstr", kind: elf.SHT_STRTAB}, w.strings)
	w.address(elf.DT_STRTAB, ".dynstr")
	w.tag(elf.DT_STRSZ, uint64(len(w.strings)))
	if s.BindNow {
		w.tag(elf.DT_FLAGS, uint64(elf.DF_BIND_NOW))
	}
}

// tag notes an entry of the dynamic table.
func (w *writer) tag(t elf.DynTag, value uint64) { w.tags = append(w.tags, tag{tag: t, value: value}) }

// address notes an entry that holds the address of a section.
func (w *writer) address(t elf.DynTag, name string) { w.tags = append(w.tags, tag{tag: t, of: name}) }

// addDynamic appends the dynamic table itself.
func (w *writer) addDynamic() {
	var b []byte
	for _, t := range append(w.tags, tag{}) {
		v := t.value
		if t.of != "" {
			s, _ := w.find(t.of)
			v = w.base() + uint64(s.offset)
		}
		b = w.word(w.word(b, uint64(t.tag)), v)
	}
	w.add(section{name: ".dynamic", kind: elf.SHT_DYNAMIC, link: ".dynstr", entry: w.pick(8, 16)}, b)
}

// versionKey names a wanted version.
type versionKey struct{ library, version string }

// versionNeeds encodes the needs. Their indexes start at next.
func (w *writer) versionNeeds(next int) ([]byte, map[versionKey]int) {
	index := map[versionKey]int{}
	var b []byte
	for i, n := range w.spec.VersionNeeds {
		wanted := append(append([]string(nil), n.Versions...), n.Weak...)
		step := 16 + 16*len(wanted)
		if i == len(w.spec.VersionNeeds)-1 {
			step = 0
		}
		b = w.half(w.half(b, 1), len(wanted))
		b = w.long(w.long(w.long(b, int(w.str(n.Library))), 16), step)
		for j, v := range wanted {
			flags, step := 0, 16
			if j >= len(n.Versions) {
				flags = 2 // VER_FLG_WEAK
			}
			if j == len(wanted)-1 {
				step = 0
			}
			b = w.long(b, int(hash(v)))
			b = w.half(w.half(b, flags), next)
			b = w.long(w.long(b, int(w.str(v))), step)
			index[versionKey{n.Library, v}] = next
			next++
		}
	}
	return b, index
}

// versionDefs encodes the definitions after the base one, which names the file.
func (w *writer) versionDefs() []byte {
	if len(w.spec.VersionDefs) == 0 {
		return nil
	}
	var b []byte
	for i, v := range append([]string{w.spec.SOName}, w.spec.VersionDefs...) {
		flags, step := 0, 28
		if i == 0 {
			flags = 1 // VER_FLG_BASE
		}
		if i == len(w.spec.VersionDefs) {
			step = 0
		}
		for _, h := range []int{1, flags, i + 1, 1} {
			b = w.half(b, h)
		}
		for _, l := range []int{int(hash(v)), 20, step, int(w.str(v)), 0} {
			b = w.long(b, l)
		}
	}
	return b
}

// addSymbols appends the symbol table, its versions and its hash table: undefined symbols first, then the defined.
func (w *writer) addSymbols(needIndex map[versionKey]int) {
	symbols := make([]byte, w.pick(elf.Sym32Size, elf.Sym64Size))
	versions := w.half(nil, 0)
	names := []string{""}
	add := func(s Symbol, section int, value uint64, version int) {
		info := byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC)
		if s.Weak {
			info = byte(elf.STB_WEAK)<<4 | byte(elf.STT_FUNC)
		}
		symbols = w.long(symbols, int(w.str(s.Name)))
		if w.is64 {
			symbols = w.half(append(symbols, info, 0), section)
			symbols = w.word(w.word(symbols, value), 0)
		} else {
			symbols = w.word(w.word(symbols, value), 0)
			symbols = w.half(append(symbols, info, 0), section)
		}
		versions = w.half(versions, version)
		names = append(names, s.Name)
	}
	for _, s := range w.spec.Undefined {
		version := 1
		if s.Version != "" {
			version = needIndex[versionKey{s.Library, s.Version}]
		}
		add(s, 0, 0, version)
	}
	for _, s := range w.spec.Defined {
		version := 1
		for i, v := range w.spec.VersionDefs {
			if v == s.Version {
				version = i + 2
			}
		}
		if s.Hidden {
			version |= 0x8000
		}
		add(s, 1, w.base()+uint64(len(names)), version)
	}
	w.add(section{name: ".dynsym", kind: elf.SHT_DYNSYM, link: ".dynstr", count: 1, entry: w.pick(elf.Sym32Size, elf.Sym64Size)}, symbols)
	w.address(elf.DT_SYMTAB, ".dynsym")
	w.tag(elf.DT_SYMENT, uint64(w.pick(elf.Sym32Size, elf.Sym64Size)))
	if len(w.spec.VersionNeeds)+len(w.spec.VersionDefs) > 0 {
		w.add(section{name: ".gnu.version", kind: elf.SHT_GNU_VERSYM, link: ".dynsym", entry: 2}, versions)
		w.address(elf.DT_VERSYM, ".gnu.version")
	}
	w.add(section{name: ".hash", kind: elf.SHT_HASH, link: ".dynsym", entry: 4}, w.hashTable(names))
	w.address(elf.DT_HASH, ".hash")
}

// hashTable encodes DT_HASH with one bucket. Its entries are wide on s390x.
func (w *writer) hashTable(names []string) []byte {
	entries := []int{1, len(names), len(names) - 1}
	for i := range names {
		entries = append(entries, max(i-1, 0))
	}
	var b []byte
	for _, e := range entries {
		if w.is64 && w.spec.Machine == elf.EM_S390.String() {
			b = w.word(b, uint64(e))
		} else {
			b = w.long(b, e)
		}
	}
	return b
}

// hash is the hash of the System V ABI, which version tables use too.
func hash(s string) uint32 {
	var h uint32
	for i := range len(s) {
		h = h<<4 + uint32(s[i])
		h ^= h >> 24 & 0xf0
	}
	return h & 0x0fffffff
}
