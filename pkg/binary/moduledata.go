package binary

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
)

// module is what we use of runtime.moduledata, which tells the runtime where everything is. All are addresses.
// Source: runtime/symtab.go, moduledata.
type module struct {
	text, etext   uint64
	types, etypes uint64
	gofunc        uint64 // what funcdata offsets count from; 0 before 1.18
}

// errNoModule says that the function table has no owner.
var errNoModule = errors.New("no runtime.moduledata")

// findModule searches the data for the moduledata whose first words point to the function table and its names. It is
// written when the program starts, so the writable data comes first.
func findModule(m *memory, t *pclntab) (*module, error) {
	var at uint64
	for _, r := range m.relative {
		if r.to == t.at {
			if w, ok := m.word(r.at + t.ptr); ok && w == t.names {
				at = r.at
			}
		}
	}
	words := m.f.appendWord(m.f.appendWord(nil, t.at), t.names)
	loads := m.loads()
	slices.SortStableFunc(loads, func(a, b segment) int { return cmp.Compare(b.access&elf.PF_W, a.access&elf.PF_W) })
	for _, s := range loads {
		if at != 0 || s.access&elf.PF_X != 0 {
			continue
		}
		err := m.find(s, newPattern(words, t.ptr), len(words), func(address uint64, b []byte) bool {
			if bytes.HasPrefix(b, words) {
				at = address
			}
			return at != 0
		})
		if err != nil {
			return nil, fmt.Errorf("searching runtime.moduledata: %w", err)
		}
	}
	if at == 0 {
		return nil, errNoModule
	}
	return readModule(m, t, at)
}

// readModule reads the fields by their position, in words. 1.20 put covctrs and ecovctrs before end, 1.18 gofunc
// after rodata.
func readModule(m *memory, t *pclntab, at uint64) (*module, error) {
	types, gofunc := uint64(35), uint64(38)
	if t.format == format120 || t.format == garbled {
		types, gofunc = 37, 40
	}
	var mod module
	for _, field := range []struct {
		word uint64
		to   *uint64
	}{{22, &mod.text}, {23, &mod.etext}, {types, &mod.types}, {types + 1, &mod.etypes}, {gofunc, &mod.gofunc}} {
		w, ok := m.word(at + field.word*t.ptr)
		if !ok {
			return nil, errors.New("reading runtime.moduledata: it ends early")
		}
		*field.to = w
	}
	if t.format == format116 {
		mod.gofunc = 0
	}
	_, length, err := m.f.offset(mod.text)
	if err != nil || mod.etext <= mod.text || mod.etext-mod.text > length {
		return nil, fmt.Errorf("reading runtime.moduledata: the text %#x-%#x is not in the file", mod.text, mod.etext)
	}
	if mod.etext-mod.text >= 1<<32 {
		return nil, fmt.Errorf("reading runtime.moduledata: a text of %d bytes", mod.etext-mod.text)
	}
	return &mod, nil
}
