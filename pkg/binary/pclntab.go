package binary

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
)

// The formats of the function table, by the Go release that introduced them.
// Source: internal/abi/symtab.go, PCLnTabMagic; runtime/symtab.go, pcHeader.
const (
	format116 = 116 // 1.16, 1.17: entries are addresses
	format118 = 118 // 1.18, 1.19: entries are offsets from the text
	format120 = 120 // 1.20 and later: functions know their first line
	garbled   = 1   // the shape fits but not the magic number, as mvdan.cc/garble leaves it
)

var formats = map[uint32]int{0xfffffffa: format116, 0xfffffff0: format118, 0xfffffff1: format120}

const (
	maxFunctions = 1 << 21 // far above what real programs have: dockerd has 70,000
	maxGap       = 64      // between the header and the names: 1.18 aligns them to 32 bytes
)

// errNoTable says that a program has no Go function table.
var errNoTable = errors.New("no Go function table")

// pclntab is the header of the table that the runtime uses to print stack traces; stripping keeps it. All fields
// are addresses unless noted.
type pclntab struct {
	format    int
	ptr       uint64 // bytes of a pointer
	at, end   uint64
	functions uint64 // how many
	names     uint64 // NUL-terminated names, up to namesEnd
	namesEnd  uint64
	files     uint64 // NUL-terminated names of source files, up to pctab
	pctab     uint64 // pc-value tables, up to records
	records   uint64 // the function index, then a record for each
}

// findTable searches the segments for a function table, after a look at where the sections begin, which mostly finds it:
// a table that is not where one says it is, is not believed, and strip and sstrip remove them.
func findTable(m *memory) (*pclntab, error) {
	var found *pclntab
	for _, quantum := range quanta[m.f.machine] {
		mark := []byte{0, 0, quantum, byte(m.f.pick(4, 8))}
		t, err := searchTable(m, mark)
		if err != nil {
			return nil, fmt.Errorf("searching the function table: %w", err)
		}
		if found == nil || found.format == garbled && t != nil {
			found = t
		}
	}
	if found == nil {
		return nil, errNoTable
	}
	if found.functions > maxFunctions {
		return nil, fmt.Errorf("reading the function table: %d functions, the limit is %d", found.functions, maxFunctions)
	}
	return found, nil
}

// searchTable returns the first table whose header has mark after its magic number, one with a known number if there
// is such, nil if there is none.
func searchTable(m *memory, mark []byte) (*pclntab, error) {
	const align, header = 8, 80
	p := newPattern(append(make([]byte, 4), mark...), align)
	p.mask <<= 32
	var found *pclntab
	done := func() bool { return found != nil && found.format != garbled }
	see := func(address uint64, b []byte) bool {
		if t := readTable(m, address, b); t != nil {
			found = t
		}
		return done()
	}
	m.findAtSections(p, header, see)
	if !done() {
		m.findAtRelocations(p, header, see)
	}
	for _, s := range m.loads() {
		if done() || s.access&elf.PF_X != 0 {
			continue
		}
		if err := m.find(s, p, header, see); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// quanta are the values of pcHeader.minLC. Source: cmd/internal/sys/arch.go, MinLC; 4 became 2 for riscv64.
var quanta = map[elf.Machine][]byte{
	elf.EM_386: {1}, elf.EM_X86_64: {1}, elf.EM_S390: {2}, elf.EM_ARM: {4}, elf.EM_AARCH64: {4}, elf.EM_PPC64: {4},
	elf.EM_RISCV: {2, 4}, elf.EM_MIPS: {4}, elf.EM_LOONGARCH: {4},
}

// readTable reads the header b at an address; nil if it is none. Its parts follow each other in a fixed order.
func readTable(m *memory, at uint64, b []byte) *pclntab {
	t := &pclntab{at: at, ptr: m.f.pick(4, 8)}
	t.format = formats[m.f.order.Uint32(b)]
	if t.format == 0 {
		t.format = garbled
	}
	words := 8
	if t.format == format116 { // no start of the text
		words = 7
	}
	header := uint64(8) + uint64(words)*t.ptr
	if uint64(len(b)) < header {
		return nil
	}
	var w [8]uint64
	for i := range words {
		w[8-words+i] = m.f.word(b[8+uint64(i)*t.ptr:])
	}
	if words == 7 {
		w[0], w[1] = w[1], w[2]
	}
	_, length, err := m.f.offset(at)
	functions, names, cus, pctab, records := w[0], w[3], w[4], w[6], w[7]
	if err != nil || names < header || names > header+maxGap || cus <= names || w[5] < cus || pctab < w[5] || records < pctab || records >= length {
		return nil
	}
	if functions == 0 || functions > (length-records)/t.indexEntry() {
		return nil
	}
	t.functions, t.end = functions, at+length
	t.names, t.namesEnd, t.files, t.pctab, t.records = at+names, at+cus, at+w[5], at+pctab, at+records
	return t
}

// indexEntry is the number of bytes of an entry of the function index: where a function starts and its record.
func (t *pclntab) indexEntry() uint64 {
	if t.format == format116 {
		return 2 * t.ptr
	}
	return 8
}

// record is what we use of a function's entry (runtime/runtime2.go, _func).
type record struct {
	name    uint32 // offset from pclntab.names
	inlTree uint64 // address of the tree of functions inlined into it, 0 if there is none
	inlPCs  uint64 // address of the pc-value table that indexes the tree
}

const (
	inlTreeIndex = 2  // PCDATA_InlTreeIndex, source: internal/abi/symtab.go
	inlTree      = 3  // FUNCDATA_InlTree
	maxTables    = 64 // pc-value tables of a function; Go 1.26 has 5
)

// readRecord reads the record at offset from pclntab.records with f. funcdata is where the offsets of its function
// data start (moduledata.gofunc); in format116 they are addresses.
func (t *pclntab) readRecord(f *elfFile, offset, funcdata uint64) (record, error) {
	pre := uint64(4) // of the entry
	if t.format == format116 {
		pre = t.ptr
	}
	fixed := pre + 9*4
	if t.format == format120 {
		fixed += 4 // the first line
	}
	at := t.records + offset
	b, err := f.upTo(at, fixed+maxTables*4+t.ptr*(inlTree+2))
	if err == nil && uint64(len(b)) < fixed {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return record{}, fmt.Errorf("reading a function's record: %w", err)
	}
	r := record{name: f.order.Uint32(b[pre:])}
	pcdata, funcs := uint64(f.order.Uint32(b[pre+6*4:])), b[fixed-1]
	if pcdata <= inlTreeIndex || funcs <= inlTree || pcdata > maxTables {
		return r, nil
	}
	data, size := fixed+pcdata*4, uint64(4)
	if t.format == format116 {
		data, size = (at+data+t.ptr-1)&^(t.ptr-1)-at, t.ptr
	}
	if data+(inlTree+1)*size > uint64(len(b)) {
		return record{}, fmt.Errorf("reading a function's record: %w", io.ErrUnexpectedEOF)
	}
	pcs, tree := f.order.Uint32(b[fixed+inlTreeIndex*4:]), b[data+inlTree*size:]
	if pcs == 0 {
		return r, nil
	}
	if t.format == format116 {
		r.inlTree = f.word(tree)
	} else if v := f.order.Uint32(tree); v != 1<<32-1 && funcdata != 0 {
		r.inlTree = funcdata + uint64(v)
	}
	r.inlPCs = t.pctab + uint64(pcs)
	return r, nil
}
