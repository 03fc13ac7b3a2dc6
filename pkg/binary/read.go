package binary

import (
	"errors"
	"fmt"
	"io"
)

// read reads the loader's view first, then what Go left in the file.
func read(r io.ReaderAt, size int64, path string) (*Binary, error) {
	e, err := readELF(r, size, true)
	if err != nil {
		return nil, err
	}
	b := &Binary{Path: path, Size: size, ELF: e}
	f, err := openELF(r, size)
	if err != nil {
		return nil, err
	}
	layout, x86 := readLayout(f, e)
	b.Layout = layout
	if isUPX(f) {
		b.Opaque = opaqueUPX
	} else if len(f.segments) > 0 {
		if err := b.readGo(f); err != nil {
			return nil, err
		}
	}
	b.Layout.CPU = cpuLevel(b, x86)
	b.Needs = append(linkageNeeds(e), b.Needs...)
	return b, nil
}

// readGo reads the Go part, if there is one. A program whose Go part is damaged or hidden is opaque, not an error:
// its linkage is known.
func (b *Binary) readGo(f *elfFile) error {
	m, err := newMemory(f)
	if err != nil {
		return err
	}
	b.Go, err = readGoInfo(m)
	if err != nil && !errors.Is(err, errNoBuildInfo) {
		return err
	}
	table, err := findTable(m)
	if err != nil && !errors.Is(err, errNoTable) {
		return err
	}
	if table == nil && b.Go == nil {
		return nil // not Go
	}
	if b.Opaque = opaqueBecause(table, b.Go, err); b.Opaque != "" {
		return nil
	}
	p, err := openProgram(m, table, b.Go)
	if err != nil {
		b.Opaque = opaqueBecause(table, b.Go, err)
		return nil
	}
	if !p.linked[runtimeName] {
		b.Opaque = opaqueGarbled
		return nil
	}
	p.detect(b)
	b.Secrets = p.secrets
	b.Layout.Packages, b.Layout.Paths = p.packages(), p.paths()
	return nil
}

// runtimeName is a function that every Go program has.
const runtimeName = "runtime.main"

// openProgram reads the functions and calls of a Go program.
func openProgram(m *memory, table *pclntab, info *GoInfo) (*program, error) {
	mod, err := findModule(m, table)
	if err != nil {
		return nil, err
	}
	p, err := newProgram(m, table, mod, info, wantedNames())
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	return p, nil
}
