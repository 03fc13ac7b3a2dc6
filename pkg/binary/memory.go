package binary

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
)

const (
	chunkSize   = 256 << 10 // bytes read at once when a whole segment is walked
	pageBits    = 16        // pages of random reads have 64 KiB
	pageCount   = 64        // and so many are kept
	maxRelative = 1 << 22   // relative relocations held; dockerd has 300,000
	maxOverlap  = 4         // all segments together may be so many times as long as the file
)

// memory is a program as it stands in memory before its first instruction, at the addresses of the file (bias 0).
// It reads and never holds the file.
type memory struct {
	f        *elfFile
	pages    [pageCount]page
	relative []relocation // by offset; only if the words themselves are empty
	// pointersAt is DT_RELA, if it is known to list every word that holds an address, by offset; its length is 0 otherwise.
	pointersAt, pointerCount uint64
}

// page is a part of the file that was read lately.
type page struct {
	number uint64
	data   []byte // nil if the slot is free
}

// relocation is a word that the loader sets to an address of the program itself.
type relocation struct{ at, to uint64 }

// newMemory opens the program in f for reading at addresses.
func newMemory(f *elfFile) (*memory, error) {
	m := &memory{f: f.clone()}
	total := uint64(0)
	for _, s := range m.loads() {
		total += s.size
	}
	if total/maxOverlap > uint64(f.size) {
		return nil, errors.New("reading the segments: they overlap")
	}
	return m, m.readRelative()
}

// clone returns the same file with a window of its own.
func (f *elfFile) clone() *elfFile {
	c := *f
	c.window, c.windowAt = nil, 0
	return &c
}

// loads returns the segments that have bytes in the file, cut to it.
func (m *memory) loads() []segment {
	var all []segment
	for _, s := range m.f.segments {
		if s.kind != elf.PT_LOAD || s.size == 0 || s.offset >= uint64(m.f.size) || s.vaddr+s.size < s.vaddr {
			continue
		}
		s.size = min(s.size, uint64(m.f.size)-s.offset)
		all = append(all, s)
	}
	return all
}

// read fills b from an address; false if not all of it is in the file.
func (m *memory) read(address uint64, b []byte) bool {
	offset, length, err := m.f.offset(address)
	if err != nil || uint64(len(b)) > length {
		return false
	}
	for len(b) > 0 {
		p := m.page(offset >> pageBits)
		within := offset & (1<<pageBits - 1)
		if within >= uint64(len(p)) {
			return false
		}
		n := copy(b, p[within:])
		b, offset = b[n:], offset+uint64(n)
	}
	return true
}

// page returns a page of the file, shorter at its end, empty if it cannot be read.
func (m *memory) page(number uint64) []byte {
	p := &m.pages[number%pageCount]
	if p.data != nil && p.number == number {
		return p.data
	}
	if p.data == nil {
		p.data = make([]byte, 1<<pageBits)
	}
	p.number = number
	p.data = p.data[:1<<pageBits]
	n, _ := m.f.r.ReadAt(p.data[:min(1<<pageBits, m.f.size-int64(number<<pageBits))], int64(number<<pageBits))
	p.data = p.data[:n]
	return p.data
}

// word returns the address-sized word at an address as the program sees it.
func (m *memory) word(address uint64) (uint64, bool) {
	var b [8]byte
	if !m.read(address, b[:m.f.pick(4, 8)]) {
		return 0, false
	}
	w := m.f.word(b[:])
	if w == 0 && len(m.relative) > 0 {
		if i, ok := slices.BinarySearchFunc(m.relative, address, func(r relocation, a uint64) int {
			return cmp.Compare(r.at, a)
		}); ok {
			return m.relative[i].to, true
		}
	}
	return w, true
}

// text returns n bytes at an address as a string.
func (m *memory) text(address, n uint64) (string, bool) {
	if _, length, err := m.f.offset(address); err != nil || n > length {
		return "", false
	}
	b := make([]byte, n)
	ok := m.read(address, b)
	return string(b), ok
}

// cString returns the text at an address up to a NUL, which must come within limit bytes.
func (m *memory) cString(address uint64, limit int) (string, bool) {
	_, length, err := m.f.offset(address)
	if err != nil {
		return "", false
	}
	text := make([]byte, 0, 128)
	for len(text) < limit {
		start := len(text)
		text = append(text, make([]byte, min(64, int(min(length, uint64(limit)))-start))...)
		if len(text) == start || !m.read(address+uint64(start), text[start:]) {
			break
		}
		if end := bytes.IndexByte(text[start:], 0); end >= 0 {
			return string(text[:start+end]), true
		}
	}
	return "", false
}

// fileOffset returns where an address is in the file, 0 if it is not.
func (m *memory) fileOffset(address uint64) int64 {
	offset, _, err := m.f.offset(address)
	if err != nil {
		return 0
	}
	return int64(offset)
}

// walk hands size bytes from an address to visit in chunks. Each chunk is followed by up to extra bytes that belong
// to the next one, so that what lies across the border can be seen; n is the chunk's own length.
func (m *memory) walk(address, size uint64, extra int, visit func(address uint64, b []byte, n int)) error {
	f := m.f.clone()
	for size > 0 {
		n := min(size, chunkSize)
		b, err := f.at(address, min(size, n+uint64(extra)))
		if err != nil {
			return err
		}
		visit(address, b, int(n))
		address, size = address+n, size-n
	}
	return nil
}

// readRelative reads the relative relocations (R_*_RELATIVE) of DT_RELA, if the words they fill are empty in the
// file. Go's own linker writes the addresses into the words too (cmd/link/internal/ld/data.go, relocsym); a C linker
// may leave them zero.
func (m *memory) readRelative() error {
	kind, known := relativeRelocation[m.f.machine]
	table, size := m.dynamicValue(elf.DT_RELA), m.dynamicValue(elf.DT_RELASZ)
	if !known || !m.f.is64 || table == 0 {
		return nil
	}
	const entry = 24
	count := size / entry
	if count > maxRelative {
		return fmt.Errorf("reading DT_RELA: %d relocations, the limit is %d", count, maxRelative)
	}
	empty, sorted, last := false, true, uint64(0)
	err := m.walkRelative(table, count, kind, func(r relocation) bool {
		w, ok := m.word(r.at)
		empty = ok && w == 0 && r.to != 0
		sorted, last = sorted && r.at >= last && r.at%8 == 0, r.at
		return !empty
	})
	if err != nil {
		return err
	}
	if !empty {
		// Without a single one, the program is not relocated, and its words hold addresses all the same.
		if packed := m.dynamicValue(dtRELR); sorted && packed == 0 && last > 0 {
			m.pointersAt, m.pointerCount = table, count
		}
		return nil
	}
	m.relative = make([]relocation, 0, min(count, uint64(m.f.size)/entry))
	err = m.walkRelative(table, count, kind, func(r relocation) bool {
		m.relative = append(m.relative, r)
		return true
	})
	byOffset := func(a, b relocation) int { return cmp.Compare(a.at, b.at) }
	if !slices.IsSortedFunc(m.relative, byOffset) {
		slices.SortStableFunc(m.relative, byOffset)
	}
	return err
}

// dtRELR is DT_RELR, relative relocations in a packed form. Source: generic ABI, "Relative Relocation Table".
const dtRELR elf.DynTag = 36

// dynamicValue returns the first value of a tag in PT_DYNAMIC of a 64-bit program, 0 if there is none.
func (m *memory) dynamicValue(tag elf.DynTag) uint64 {
	s, ok := m.f.first(elf.PT_DYNAMIC)
	for i := uint64(0); ok && i < maxDynamic && i < s.size/16; i++ {
		if have, _ := m.word(s.vaddr + 16*i); elf.DynTag(have) == tag {
			value, _ := m.word(s.vaddr + 16*i + 8)
			return value
		}
	}
	return 0
}

// walkRelative calls visit for the relative relocations of a table until it returns false.
func (m *memory) walkRelative(at, count uint64, kind uint32, visit func(relocation) bool) error {
	const entry = 24
	f, more := m.f.clone(), true
	for count > 0 && more {
		n := min(count, windowSize/entry)
		b, err := f.at(at, n*entry)
		if err != nil {
			return fmt.Errorf("reading DT_RELA: %w", err)
		}
		for ; len(b) > 0 && more; b = b[entry:] {
			if uint32(f.order.Uint64(b[8:])) == kind {
				more = visit(relocation{f.order.Uint64(b), f.order.Uint64(b[16:])})
			}
		}
		at, count = at+n*entry, count-n
	}
	return nil
}

// relativeRelocation is the type of R_*_RELATIVE per machine whose call graph we read. Source: debug/elf.
var relativeRelocation = map[elf.Machine]uint32{
	elf.EM_X86_64:  uint32(elf.R_X86_64_RELATIVE),
	elf.EM_AARCH64: uint32(elf.R_AARCH64_RELATIVE),
}
