package binary

import (
	"debug/elf"
	"encoding/hex"
	"slices"
)

// readLayout reads what the headers say, and the levels of x86-64 that they ask for. What is damaged is left out: nothing
// here decides whether a program runs.
func readLayout(f *elfFile, e *ELF) (l Layout, x86 uint32) {
	sections, notes := readSections(f)
	l = Layout{Sections: sections, PIE: e.PIE, StaticPIE: e.PIE && e.Interpreter == ""}
	l.Debug, l.Symbols = sizeOf(l.Sections, isDebug), sizeOf(l.Sections, isSymbols)
	if _, ok := f.first(elf.PT_GNU_RELRO); ok {
		l.RELRO = "partial"
		if e.BindNow {
			l.RELRO = "full"
		}
	}
	if stack, ok := f.first(elf.PT_GNU_STACK); ok {
		l.NX = stack.access&elf.PF_X == 0
	}
	x86 = l.readNotes(f, append(slices.Clone(f.segments), notes...))
	if e.Interpreter != "" {
		l.StaticLibc = NoLibc
	}
	return l, x86
}

// Limits of the notes. A segment of them has some hundred bytes.
const (
	maxNotes    = 64 << 10 // bytes of one PT_NOTE
	maxIdentity = 4 << 10  // bytes of a build ID
)

// The notes that identify a program. Sources: cmd/link/internal/ld/elf.go, ELF_NOTE_GOBUILDID_TAG; elf.h, NT_GNU_BUILD_ID.
const (
	noteGoBuildID  = 4
	noteGNUBuildID = 3
)

// readNotes reads note segments, which stay when the section table is gone, and note sections, and returns the levels of
// x86-64 that they ask for.
func (l *Layout) readNotes(f *elfFile, segments []segment) (x86 uint32) {
	for _, s := range segments {
		if s.kind != elf.PT_NOTE || s.size > maxNotes {
			continue
		}
		b, err := f.bytes(s.offset, s.size)
		if err != nil {
			continue
		}
		for len(b) >= 12 {
			name, text, kind := uint64(f.order.Uint32(b)), uint64(f.order.Uint32(b[4:])), f.order.Uint32(b[8:])
			b = b[12:]
			textAt := (name + 3) &^ 3
			if textAt+text > uint64(len(b)) {
				break
			}
			switch owner, text := string(b[:min(name, 4)]), b[textAt:textAt+text]; {
			case owner == "GNU\x00" && kind == noteProperty:
				x86 |= x86Levels(f, text)
			default:
				l.addNote(owner, kind, text)
			}
			b = b[min(textAt+(text+3)&^3, uint64(len(b))):]
		}
	}
	return x86
}

// addNote takes a build ID, or whose start files these are, out of a note.
func (l *Layout) addNote(name string, kind uint32, text []byte) {
	switch {
	case len(text) > maxIdentity:
	case name == "Go\x00\x00" && kind == noteGoBuildID && l.BuildID == "":
		l.BuildID = cString(text)
	case name == "GNU\x00" && kind == noteGNUBuildID && l.GNUBuildID == "":
		l.GNUBuildID = hex.EncodeToString(text)
	case name == "GNU\x00" && kind == noteABI:
		l.StaticLibc = Glibc
	}
}
