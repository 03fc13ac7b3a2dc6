package binary

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
)

// fieldStore is a field of a struct.
type fieldStore struct {
	size   int    // in bytes: 1 or 8
	offset uint64 // in the struct, 128 or more: what is less has another encoding
}

// storesTo returns the functions outside the standard library that store something but a constant zero so far behind
// what a register other than the stack pointer holds, or take the address of a byte there; ascending. The text is not
// decoded: no store is missed that has the offset in it, and one into another struct with a field at that place is not
// told apart.
func (p *program) storesTo(fields ...fieldStore) []use {
	var all []use
	see := func(address uint64) {
		at := uint32(address - p.mod.text)
		fn := p.functionAt(at)
		if n := len(all); n > 0 && all[n-1].caller == fn || isStandard(packageOf(p.name(fn))) {
			return
		}
		all = append(all, use{caller: fn, at: at, how: sets})
	}
	const extra = 16
	err := p.m.walk(p.mod.text, p.mod.etext-p.mod.text, extra, func(address uint64, b []byte, n int) {
		switch p.m.f.machine {
		case elf.EM_X86_64:
			for _, f := range fields {
				fieldStoresAMD64(b, n, f, func(i int) { see(address + uint64(i)) })
			}
		case elf.EM_AARCH64:
			for i := 0; i+4 <= n; i += 4 {
				w := binary.LittleEndian.Uint32(b[i:])
				if slices.ContainsFunc(fields, func(f fieldStore) bool { return fieldStoreARM64(w, f) }) {
					see(address + uint64(i))
				}
			}
		}
	})
	if err != nil {
		return nil
	}
	slices.SortFunc(all, func(a, b use) int { return int(a.caller) - int(b.caller) })
	return slices.CompactFunc(all, func(a, b use) bool { return a.caller == b.caller })
}

// functionAt returns the function that an offset from the text is in.
func (p *program) functionAt(offset uint32) int32 {
	i, exact := slices.BinarySearch(p.fns.entry, offset)
	if !exact {
		i--
	}
	return int32(max(i, 0))
}

// fieldStoresAMD64 looks for MOV to [reg+disp32], of a register or of an immediate byte, and for LEA of the byte or ADD of
// its offset, in the first n bytes of b. Source: Intel SDM, volume 2.
func fieldStoresAMD64(b []byte, n int, f fieldStore, see func(i int)) {
	const before = 4 // prefix, opcode, ModRM and perhaps SIB
	disp := binary.LittleEndian.AppendUint32(nil, uint32(f.offset))
	for from := 0; ; {
		i := bytes.Index(b[from:], disp)
		if i < 0 || from+i >= n+before {
			return
		}
		i += from
		from = i + 1
		if i < before || i+len(disp) >= len(b) {
			continue
		}
		rex, op, modRM := b[i-3], b[i-2], b[i-1]
		if b[i-1]&0x3f == 0x24 && b[i-2]&0xc7 == 0x84 && b[i-4]&0xf1 == 0x41 { // by R12, which takes a SIB byte
			rex, op, modRM = b[i-4], b[i-3], b[i-2]
		} else if f.size == 1 && (op == 0x81 && modRM&0xf8 == 0xc0 && modRM != 0xc4 && rex&0xf8 == 0x48 || modRM == 0x05 && op&0xf8 == 0x48) { // ADD
			see(i - 2)
			continue
		} else if modRM&0xc0 != 0x80 || modRM&7 == 4 {
			continue
		}
		switch {
		case f.size == 1 && (op == 0x88 || op == leaAMD64 && rex&0xf8 == 0x48), f.size == 1 && op == 0xc6 && modRM&0x38 == 0 && b[i+len(disp)] != 0,
			f.size == 8 && op == 0x89 && rex&0xf8 == 0x48:
			see(i - 2)
		}
	}
}

// fieldStoreARM64 says whether an instruction is STRB, STR or STP of a register but XZR at an offset from a register but
// SP, or ADD of the offset of a byte.
// Source: Arm ARM for A-profile, C6.2.
func fieldStoreARM64(w uint32, f fieldStore) bool {
	const none = 31
	imm, base, first, second := uint64(w>>10&0xfff), w>>5&31, w&31, w>>10&31
	if base == none {
		return false
	}
	switch {
	case f.size == 1:
		return imm == f.offset && first != none && (w&0xffc00000 == 0x39000000 || w&0xffc00000 == 0x91000000)
	case w&0xffc00000 == 0xf9000000:
		return imm*8 == f.offset && first != none
	case w&0xffc00000 == 0xa9000000:
		offset := uint64(int64(int32(w<<10)>>25) * 8)
		return offset == f.offset && first != none || offset+8 == f.offset && second != none
	}
	return false
}
