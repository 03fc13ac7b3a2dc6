package binary

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/elftest"
)

// TestReadELFTruncated cuts a file with everything in it at every byte: an error or, past the last table, the whole.
func TestReadELFTruncated(t *testing.T) {
	b := build(t, full)
	needed := 0
	for n := range b {
		e, err := ReadELF(bytes.NewReader(b[:n]), int64(n))
		if err != nil {
			needed = n
		} else if len(e.Defined) != 3 {
			t.Errorf("cut at %d: %d symbols defined and no error", n, len(e.Defined))
		}
	}
	if needed < len(b)/2 {
		t.Errorf("cutting the file at %d of %d bytes does no harm", needed+1, len(b))
	}
}

// TestReadELFShortReader gives less than the size promises.
func TestReadELFShortReader(t *testing.T) {
	b := build(t, full)
	for _, size := range []int64{int64(len(b)) + 1, 4 << 30, 1 << 62, -1} {
		if e, err := ReadELF(bytes.NewReader(b[:200]), size); err == nil {
			t.Errorf("size %d: read %+v", size, e)
		}
	}
}

// TestReadELFLies overwrites every word of the file with extreme values. Each must be read or refused quickly, in
// little memory.
func TestReadELFLies(t *testing.T) {
	values := []uint64{0, 1, 7, 0xff, 0xffff, 0x7fffffff, 0xffffffff, 1 << 32, 4<<30 + 8, 1 << 62, 1 << 63, 1<<64 - 1}
	for _, class := range []int{64, 32} {
		s := full
		if s.Class = class; class == 32 {
			s.Machine = "EM_386"
		}
		b := build(t, s)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start, reads := time.Now(), 0
		for at := 0; at+8 <= len(b); at += 4 {
			for _, v := range values {
				lie := bytes.Clone(b)
				binary.LittleEndian.PutUint64(lie[at:], v)
				if class == 32 {
					lie = bytes.Clone(b)
					binary.LittleEndian.PutUint32(lie[at:], uint32(v))
				}
				ReadELF(bytes.NewReader(lie), int64(len(lie)))
				reads++
			}
		}
		runtime.ReadMemStats(&after)
		if per := (after.TotalAlloc - before.TotalAlloc) / uint64(reads); per > 256<<10 {
			t.Errorf("class %d: %d bytes allocated per read", class, per)
		}
		if d := time.Since(start); d > time.Duration(reads)*5*time.Millisecond {
			t.Errorf("class %d: %v for %d reads", class, d, reads)
		}
	}
}

// ocean is a file that is full of one byte after its head.
type ocean struct {
	head []byte
	fill byte
}

func (o ocean) ReadAt(p []byte, off int64) (int, error) {
	for n := copy(p, []byte{o.fill}); n > 0 && n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
	if off < int64(len(o.head)) {
		copy(p, o.head[off:])
	}
	return len(p), nil
}

// TestReadELFOcean reads files of terabytes whose tables claim all of it.
func TestReadELFOcean(t *testing.T) {
	const size = 1 << 40
	word := binary.LittleEndian.PutUint64
	for _, fill := range []byte{0, 0xff} {
		for _, tag := range []elf.DynTag{elf.DT_HASH, elf.DT_GNU_HASH, elf.DT_RELA, elf.DT_JMPREL, elf.DT_VERNEED, elf.DT_VERDEF, elf.DT_NEEDED} {
			head := make([]byte, 4096)
			copy(head, build(t, elftest.Spec{Type: "ET_DYN"}))
			word(head[64+32:], size) // p_filesz of PT_LOAD
			at := 2048
			word(head[64+56+8:], uint64(at)) // p_offset of PT_DYNAMIC
			word(head[64+56+32:], 1024)
			for _, kv := range [][2]uint64{
				{uint64(elf.DT_STRTAB), 1 << 20}, {uint64(elf.DT_STRSZ), maxStringTable}, {uint64(elf.DT_SYMTAB), 1 << 30},
				{uint64(elf.DT_VERSYM), 1 << 35}, {uint64(tag), 1 << 33}, {uint64(elf.DT_RELASZ), maxRelocations},
				{uint64(elf.DT_PLTRELSZ), maxRelocations}, {uint64(elf.DT_PLTREL), uint64(elf.DT_RELA)},
				{uint64(elf.DT_VERNEEDNUM), maxVersions}, {uint64(elf.DT_VERDEFNUM), maxVersions}, {uint64(elf.DT_NULL), 0},
			} {
				word(head[at:], kv[0])
				word(head[at+8:], kv[1])
				at += 16
			}
			start := time.Now()
			ReadELF(ocean{head, fill}, size)
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("%v filled with %#x: %v", tag, fill, d)
			}
		}
	}
}

// TestReadELFChains makes version needs that go round, overlap and never end.
func TestReadELFChains(t *testing.T) {
	s := elftest.Spec{Type: "ET_DYN", VersionNeeds: []elftest.VersionNeed{
		{Library: "liba.so.1", Versions: []string{"A_1", "A_2"}}, {Library: "libb.so.1", Versions: []string{"B_1"}}}}
	b := build(t, s)
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	table := int(f.Section(".gnu.version_r").Offset)
	for _, next := range []uint32{1, 4, 16, 0xfffffff0, 0xffffffff} {
		for _, field := range []int{8, 12, 16 + 12, 32 + 12} {
			lie := bytes.Clone(b)
			binary.LittleEndian.PutUint16(lie[table+2:], 0xffff)
			binary.LittleEndian.PutUint32(lie[table+field:], next)
			ReadELF(bytes.NewReader(lie), int64(len(lie))) // an end, whatever it is
		}
	}
	binary.LittleEndian.PutUint32(b[table+12:], 0xfffffff0)
	if _, err := ReadELF(bytes.NewReader(b), int64(len(b))); err == nil || !strings.HasPrefix(err.Error(), "reading the version needs: ") {
		t.Errorf("a chain that leaves the file: %v", err)
	}
}

// TestReadELFNames takes the NULs out of the string table.
func TestReadELFNames(t *testing.T) {
	b := build(t, full)
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	table := f.Section(".dynstr")
	for i := range table.Size {
		b[table.Offset+i] = 'x'
	}
	if _, err := ReadELF(bytes.NewReader(b), int64(len(b))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("names without an end: %v", err)
	}
}

// TestReadELFNotELF names what is given in place of an ELF file.
func TestReadELFNotELF(t *testing.T) {
	for content, want := range map[string]string{
		"":                          "not an ELF file but empty",
		"#!/bin/sh\n":               "not an ELF file but a script",
		"MZ\x90\x00":                "not an ELF file but a Windows executable",
		"\xcf\xfa\xed\xfe\x07\x00":  "not an ELF file but a macOS executable",
		"\x7fEL":                    "not an ELF file",
		"something else altogether": "not an ELF file",
	} {
		_, err := ReadELF(strings.NewReader(content), int64(len(content)))
		if !errors.Is(err, ErrNotELF) || err.Error() != want {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
}

func FuzzReadELF(f *testing.F) {
	f.Add(build(f, full))
	big := full
	big.Machine, big.Class, big.BigEndian = "EM_MIPS", 32, true
	f.Add(build(f, big))
	f.Add(build(f, elftest.Spec{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ReadELF(bytes.NewReader(b), int64(len(b)))
		if (e == nil) == (err == nil) {
			t.Errorf("got %v and %v", e, err)
		}
	})
}
