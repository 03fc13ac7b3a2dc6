package elftest

import "debug/elf"

// addRelocations appends a relocation per undefined symbol, and the table of addresses they fill.
func (w *writer) addRelocations(machine elf.Machine) {
	if len(w.spec.Undefined) == 0 {
		return
	}
	types := relocationTypes[machine]
	rela := machine != elf.EM_386 && machine != elf.EM_ARM && machine != elf.EM_MIPS
	w.add(section{name: ".got", kind: elf.SHT_PROGBITS}, make([]byte, len(w.spec.Undefined)*w.pick(4, 8)))
	got, _ := w.find(".got")
	var eager, lazy []byte
	for i, s := range w.spec.Undefined {
		kind, table := types.data, &eager
		if s.Lazy {
			kind, table = types.call, &lazy
		}
		b := w.word(*table, w.base()+uint64(got.offset+i*w.pick(4, 8)))
		switch {
		case w.is64 && machine == elf.EM_MIPS:
			b = append(w.long(b, i+1), 0, 0, 0, byte(kind))
		case w.is64:
			b = w.word(b, uint64(i+1)<<32|uint64(kind))
		default:
			b = w.long(b, (i+1)<<8|int(kind))
		}
		if rela {
			b = w.word(b, 0)
		}
		*table = b
	}
	name, kind, entry := ".rel", elf.SHT_REL, w.pick(8, 16)
	tags := []elf.DynTag{elf.DT_REL, elf.DT_RELSZ, elf.DT_RELENT}
	if rela {
		name, kind, entry = ".rela", elf.SHT_RELA, w.pick(12, 24)
		tags = []elf.DynTag{elf.DT_RELA, elf.DT_RELASZ, elf.DT_RELAENT}
	}
	if len(eager) > 0 {
		w.add(section{name: name + ".dyn", kind: kind, link: ".dynsym", entry: entry}, eager)
		w.address(tags[0], name+".dyn")
		w.tag(tags[1], uint64(len(eager)))
		w.tag(tags[2], uint64(entry))
	}
	if len(lazy) > 0 {
		w.add(section{name: name + ".plt", kind: kind, link: ".dynsym", entry: entry}, lazy)
		w.address(elf.DT_JMPREL, name+".plt")
		w.tag(elf.DT_PLTRELSZ, uint64(len(lazy)))
		w.tag(elf.DT_PLTREL, uint64(tags[0]))
		w.address(elf.DT_PLTGOT, ".got")
	}
}

// relocationTypes are R_*_GLOB_DAT and R_*_JUMP_SLOT, or what stands for them. Source: the psABI of each machine.
var relocationTypes = map[elf.Machine]struct{ data, call uint32 }{
	elf.EM_386:       {6, 7},
	elf.EM_X86_64:    {6, 7},
	elf.EM_ARM:       {21, 22},
	elf.EM_AARCH64:   {1025, 1026},
	elf.EM_PPC64:     {20, 21},
	elf.EM_S390:      {10, 11},
	elf.EM_RISCV:     {2, 5}, // R_RISCV_64
	elf.EM_MIPS:      {3, 127},
	elf.EM_LOONGARCH: {2, 5}, // R_LARCH_64
}
