package binary

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits on what an ELF file may make us read or hold. Each is far above what real programs have.
const (
	maxSegmentBytes = 64 << 10  // of program headers: the kernel's own limit. Source: fs/binfmt_elf.c, load_elf_phdrs
	maxDynamic      = 1 << 14   // entries of PT_DYNAMIC
	maxNeeded       = 1 << 12   // entries of DT_NEEDED
	maxPathElements = 1 << 10   // directories of DT_RPATH and DT_RUNPATH
	maxSymbols      = 1 << 20   // dynamic symbols, and symbols named by relocations
	maxVersions     = 1 << 15   // symbol versions: an index has 15 bits
	maxStringTable  = 64 << 20  // bytes of DT_STRTAB
	maxNameBytes    = 64 << 20  // bytes of all names taken from one file, shared tails counted each time
	maxRelocations  = 256 << 20 // bytes of relocation tables, streamed
	maxInterpreter  = 4096      // bytes of PT_INTERP: the kernel's PATH_MAX
)

// windowSize is how much is read at once when walking a table. A table that lies in the file is then read once.
const windowSize = 32 << 10

// elfFile is an ELF file as the kernel sees it: the header and the segments. Sections are never looked at, the
// kernel and the loader do not either, so a file without them (sstrip) reads like any other and a lying or
// compressed section cannot hurt.
type elfFile struct {
	r        io.ReaderAt
	size     int64
	order    binary.ByteOrder
	is64     bool
	typ      elf.Type
	machine  elf.Machine
	flags    uint32 // e_flags
	segments []segment
	loads    []segment // those of them that are mapped: PT_LOAD

	window   []byte // the bytes last read
	windowAt int64  // and where they stand in the file
}

// segment is one program header; offset and size are in the file, mapped is the size in memory.
type segment struct {
	kind                        elf.ProgType
	access                      elf.ProgFlag
	offset, vaddr, size, mapped uint64
}

// openELF reads the header and, for programs and shared libraries, the program headers.
func openELF(r io.ReaderAt, size int64) (*elfFile, error) {
	f := &elfFile{r: r, size: size}
	ident, err := f.bytes(0, uint64(min(max(size, 0), elf.EI_NIDENT)))
	if err != nil {
		return nil, fmt.Errorf("reading the ELF header: %w", err)
	}
	if len(ident) < 4 || string(ident[:4]) != elf.ELFMAG {
		return nil, notELF(ident)
	}
	if len(ident) < elf.EI_NIDENT {
		return nil, fmt.Errorf("reading the ELF header: %w", io.ErrUnexpectedEOF)
	}
	switch c := elf.Class(ident[elf.EI_CLASS]); c {
	case elf.ELFCLASS32, elf.ELFCLASS64:
		f.is64 = c == elf.ELFCLASS64
	default:
		return nil, fmt.Errorf("reading the ELF header: unknown class %d", c)
	}
	switch d := elf.Data(ident[elf.EI_DATA]); d {
	case elf.ELFDATA2LSB:
		f.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("reading the ELF header: unknown byte order %d", d)
	}
	return f, f.readHeader()
}

// readHeader reads the rest of the header and the segments.
func (f *elfFile) readHeader() error {
	h, err := f.bytes(0, f.pick(52, 64))
	if err != nil {
		return fmt.Errorf("reading the ELF header: %w", err)
	}
	f.typ = elf.Type(f.order.Uint16(h[16:]))
	f.machine = elf.Machine(f.order.Uint16(h[18:]))
	at := f.pick(0, 4) // what the wider e_entry adds
	phoff := f.word(h[28+at:])
	tail := h[36+3*at:] // e_flags on
	f.flags = f.order.Uint32(tail)
	entry, count := f.order.Uint16(tail[6:]), f.order.Uint16(tail[8:])
	if f.typ != elf.ET_EXEC && f.typ != elf.ET_DYN || count == 0 {
		return nil
	}
	if want := f.pick(32, 56); uint64(entry) != want {
		return fmt.Errorf("reading the program headers: an entry has %d bytes, want %d", entry, want)
	}
	length := uint64(entry) * uint64(count)
	if length > maxSegmentBytes {
		return fmt.Errorf("reading the program headers: %d of them, more than the kernel takes", count)
	}
	table, err := f.bytes(phoff, length)
	if err != nil {
		return fmt.Errorf("reading the program headers: %w", err)
	}
	f.segments = make([]segment, count)
	for i := range f.segments {
		s := f.segment(table[i*int(entry):])
		if f.segments[i] = s; s.kind == elf.PT_LOAD {
			f.loads = append(f.loads, s)
		}
	}
	return nil
}

// segment decodes a program header (Elf32_Phdr, Elf64_Phdr).
func (f *elfFile) segment(b []byte) segment {
	s := segment{kind: elf.ProgType(f.order.Uint32(b))}
	if f.is64 {
		s.access = elf.ProgFlag(f.order.Uint32(b[4:]))
		s.offset, s.vaddr, s.size, s.mapped = f.word(b[8:]), f.word(b[16:]), f.word(b[32:]), f.word(b[40:])
	} else {
		s.access = elf.ProgFlag(f.order.Uint32(b[24:]))
		s.offset, s.vaddr, s.size, s.mapped = f.word(b[4:]), f.word(b[8:]), f.word(b[16:]), f.word(b[20:])
	}
	return s
}

// interpreter returns PT_INTERP, "" if there is none.
func (f *elfFile) interpreter() (string, error) {
	s, ok := f.first(elf.PT_INTERP)
	if !ok {
		return "", nil
	}
	if s.size < 2 || s.size > maxInterpreter { // the kernel's bounds
		return "", fmt.Errorf("reading the interpreter: a path of %d bytes", s.size)
	}
	b, err := f.bytes(s.offset, s.size)
	if err != nil {
		return "", fmt.Errorf("reading the interpreter: %w", err)
	}
	if b[len(b)-1] != 0 {
		return "", errors.New("reading the interpreter: the path does not end")
	}
	return cString(b), nil
}

// first returns the first segment of a kind.
func (f *elfFile) first(kind elf.ProgType) (segment, bool) {
	for _, s := range f.segments {
		if s.kind == kind {
			return s, true
		}
	}
	return segment{}, false
}

// offset translates an address of the loaded file into an offset, and says how many bytes of the file follow it there.
func (f *elfFile) offset(address uint64) (offset, length uint64, err error) {
	for i := range f.loads {
		s := &f.loads[i]
		if d := address - s.vaddr; d < s.size {
			if s.offset+d < s.offset || s.offset+d >= uint64(f.size) {
				break
			}
			return s.offset + d, min(s.size-d, uint64(f.size)-(s.offset+d)), nil
		}
	}
	return 0, 0, fmt.Errorf("address %#x is not in the file", address)
}

// at returns n bytes at an address. They are valid until the next read.
func (f *elfFile) at(address, n uint64) ([]byte, error) {
	off, length, err := f.offset(address)
	if err != nil {
		return nil, err
	}
	if n > length {
		return nil, fmt.Errorf("%d bytes at address %#x: %w", n, address, io.ErrUnexpectedEOF)
	}
	return f.bytes(off, n)
}

// upTo returns n bytes at an address, fewer if its segment ends. They are valid until the next read.
func (f *elfFile) upTo(address, n uint64) ([]byte, error) {
	off, length, err := f.offset(address)
	if err != nil {
		return nil, err
	}
	return f.bytes(off, min(n, length))
}

// bytes returns n bytes at an offset of the file. They are valid until the next read.
func (f *elfFile) bytes(offset, n uint64) ([]byte, error) {
	if offset > uint64(f.size) || n > uint64(f.size)-offset {
		return nil, fmt.Errorf("%d bytes at offset %#x: %w", n, offset, io.ErrUnexpectedEOF)
	}
	off := int64(offset)
	if off < f.windowAt || off+int64(n) > f.windowAt+int64(len(f.window)) {
		want := int(max(int64(n), min(windowSize, f.size-off)))
		if cap(f.window) < want {
			f.window = make([]byte, want)
		}
		f.window, f.windowAt = f.window[:want], off
		if got, err := f.r.ReadAt(f.window, off); got < want {
			f.window = f.window[:0]
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("%d bytes at offset %#x: %w", n, offset, err)
		}
	}
	start := off - f.windowAt
	return f.window[start : start+int64(n) : start+int64(n)], nil
}

// pick returns the first number for a 32-bit file, the second for a 64-bit one.
func (f *elfFile) pick(n32, n64 uint64) uint64 {
	if f.is64 {
		return n64
	}
	return n32
}

// word decodes an address, offset or size of the file's class.
func (f *elfFile) word(b []byte) uint64 {
	if f.is64 {
		return f.order.Uint64(b)
	}
	return uint64(f.order.Uint32(b))
}

// appendWord encodes an address, offset or size of the file's class.
func (f *elfFile) appendWord(b []byte, w uint64) []byte {
	word := make([]byte, 8)
	if f.is64 {
		f.order.PutUint64(word, w)
		return append(b, word...)
	}
	f.order.PutUint32(word, uint32(w))
	return append(b, word[:4]...)
}

// cString returns the bytes before the first NUL, all of them if there is none.
func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
