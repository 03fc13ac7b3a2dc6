package binary

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	chunkSize   = 256 << 10 // bytes read at once when a whole segment is walked
	pageBits    = 14        // pages of random reads have 16 KiB
	pageCount   = 256       // and so many are kept: the inline trees and pc-value tables of a large program
	maxRelative = 1 << 22   // relative relocations held; dockerd has 250,000
	maxOverlap  = 4         // all segments together may be so many times as long as the file
)

// memory is a program as it stands in memory before its first instruction, at the addresses of the file (bias 0).
// It reads and never holds the file.
type memory struct {
	f        *elfFile
	pages    [pageCount]page
	chunk    []byte       // what walk reads into
	relative []relocation // by offset
	// listed says that relative has every word that holds an address.
	listed bool
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
	for _, s := range m.f.loads {
		if s.size == 0 || s.offset >= uint64(m.f.size) || s.vaddr+s.size < s.vaddr {
			continue
		}
		s.size = min(s.size, uint64(m.f.size)-s.offset)
		all = append(all, s)
	}
	return all
}

// span is a part of the program's memory.
type span struct{ start, end uint64 }

func (s span) holds(address uint64) bool { return address-s.start < s.end-s.start }

// data returns the parts of the segments without code that may hold strings and pointers of the program, ascending:
// what is neither the function table nor the relocations, which are half of a large program's data.
func (m *memory) data(table span) []span {
	rela := m.dynamicValue(elf.DT_RELA)
	skips := []span{table, {rela, rela + m.dynamicValue(elf.DT_RELASZ)}}
	slices.SortFunc(skips, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var parts []span
	for _, seg := range m.loads() {
		if seg.access&elf.PF_X != 0 {
			continue
		}
		rest := span{seg.vaddr, seg.vaddr + seg.size}
		for _, skip := range skips {
			if skip.start < skip.end && rest.start <= skip.start && skip.end <= rest.end {
				parts = append(parts, span{rest.start, skip.start})
				rest.start = skip.end
			}
		}
		parts = append(parts, rest)
	}
	slices.SortStableFunc(parts, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return parts
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

// readOnce is read for what is not read again: the pages are left as they are.
func (m *memory) readOnce(address uint64, b []byte) bool {
	offset, length, err := m.f.offset(address)
	if err != nil || uint64(len(b)) > length {
		return false
	}
	n, _ := m.f.r.ReadAt(b, int64(offset))
	return n == len(b)
}

// view returns up to n bytes at an address without copying them, fewer at the end of a page, none if there are none.
// They are valid until the next read.
func (m *memory) view(address, n uint64) []byte {
	offset, length, err := m.f.offset(address)
	if err != nil {
		return nil
	}
	p := m.page(offset >> pageBits)
	within := offset & (1<<pageBits - 1)
	if within >= uint64(len(p)) {
		return nil
	}
	return p[within:min(uint64(len(p)), within+min(n, length))]
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
	size := m.f.pick(4, 8)
	b := m.view(address, size)
	if uint64(len(b)) < size { // it goes on in the next page
		b = make([]byte, size)
		if !m.read(address, b) {
			return 0, false
		}
	}
	w := m.f.word(b)
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
	var text []byte
	for len(text) < limit {
		b := m.view(address+uint64(len(text)), uint64(limit-len(text)))
		if end := bytes.IndexByte(b, 0); end >= 0 && len(text) == 0 {
			return string(b[:end]), true
		} else if end >= 0 {
			return string(append(text, b[:end]...)), true
		}
		if len(b) == 0 {
			break
		}
		text = append(text, b...) // it goes on in the next page
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
	return m.walkUntil(address, size, extra, func(address uint64, b []byte, n int) bool {
		visit(address, b, n)
		return false
	})
}

// walkUntil walks until visit returns true.
func (m *memory) walkUntil(address, size uint64, extra int, visit func(address uint64, b []byte, n int) bool) error {
	f := m.f.clone()
	f.window, m.chunk = m.chunk[:0], nil
	defer func() { m.chunk = f.window }()
	for size > 0 {
		n := min(size, chunkSize)
		b, err := f.at(address, min(size, n+uint64(extra)))
		if err != nil {
			return err
		}
		if visit(address, b, int(n)) {
			return nil
		}
		address, size = address+n, size-n
	}
	return nil
}

// pattern is what eight bytes at an aligned address have to be, as far as mask goes.
type pattern struct{ bytes, mask, align uint64 }

// newPattern takes the first eight bytes of b.
func newPattern(b []byte, align uint64) pattern {
	return pattern{binary.LittleEndian.Uint64(b), 1<<64 - 1, align}
}

// fits says whether eight bytes or more begin with the pattern.
func (p pattern) fits(b []byte) bool { return binary.LittleEndian.Uint64(b)&p.mask == p.bytes }

// findAtSections is find for the places where the section table says that a section begins, if there is one: most of
// what is looked for has a section of its own, and the walk is spared.
func (m *memory) findAtSections(p pattern, n int, see func(address uint64, b []byte) bool) {
	headers, _ := m.f.clone().sectionHeaders()
	b := make([]byte, n)
	for _, h := range headers {
		if h.vaddr%p.align == 0 && m.read(h.vaddr, b) && p.fits(b) && see(h.vaddr, b) {
			return
		}
	}
}

// findAtRelocations is find for the places that the first of two neighbouring words points to, if the second points a
// little behind it: so the runtime's list of what is where begins. It spares the walk where a C linker made one section
// of all.
func (m *memory) findAtRelocations(p pattern, n int, see func(address uint64, b []byte) bool) {
	b := make([]byte, n)
	for i := 1; i < len(m.relative); i++ {
		r, next := m.relative[i-1], m.relative[i]
		near := next.at-r.at == 8 && next.to > r.to && next.to-r.to <= uint64(n)+maxGap
		if near && r.to%p.align == 0 && m.read(r.to, b) && p.fits(b) && see(r.to, b) {
			return
		}
	}
}

// find calls see with each place in a segment that a pattern fits, and what follows it, until it returns true.
func (m *memory) find(s segment, p pattern, extra int, see func(address uint64, b []byte) bool) error {
	return m.walkUntil(s.vaddr, s.size, extra, func(address uint64, b []byte, n int) bool {
		for i := -address % p.align; i < uint64(n) && i+8 <= uint64(len(b)); i += p.align {
			if p.fits(b[i:]) && see(address+i, b[i:]) {
				return true
			}
		}
		return false
	})
}

// readRelative reads the relative relocations (R_*_RELATIVE) of DT_RELA. Go's own linker writes the addresses into the
// words too (cmd/link/internal/ld/data.go, relocsym); a C linker may leave them zero.
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
	m.relative = make([]relocation, 0, min(count, uint64(m.f.size)/entry))
	f := m.f.clone()
	for count > 0 {
		n := min(count, windowSize/entry)
		b, err := f.at(table, n*entry)
		if err != nil {
			return fmt.Errorf("reading DT_RELA: %w", err)
		}
		for ; len(b) > 0; b = b[entry:] {
			if uint32(f.order.Uint64(b[8:])) == kind {
				m.relative = append(m.relative, relocation{f.order.Uint64(b), f.order.Uint64(b[16:])})
			}
		}
		table, count = table+n*entry, count-n
	}
	byOffset := func(a, b relocation) int { return cmp.Compare(a.at, b.at) }
	if !slices.IsSortedFunc(m.relative, byOffset) {
		slices.SortStableFunc(m.relative, byOffset)
	}
	// Without a single one, the program is not relocated, and its words hold addresses all the same.
	m.listed = len(m.relative) > 0 && m.dynamicValue(dtRELR) == 0
	return nil
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

// relativeRelocation is the type of R_*_RELATIVE per machine whose call graph we read. Source: debug/elf.
var relativeRelocation = map[elf.Machine]uint32{
	elf.EM_X86_64:  uint32(elf.R_X86_64_RELATIVE),
	elf.EM_AARCH64: uint32(elf.R_AARCH64_RELATIVE),
}
