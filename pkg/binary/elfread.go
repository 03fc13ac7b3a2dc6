package binary

import (
	"debug/elf"
	"fmt"
	"io"
	"strings"
	"unsafe"
)

// readELF reads what the kernel reads (header, segments, interpreter) and then what the loader reads (PT_DYNAMIC and
// the tables it points to). Symbols that a program defines for Go code only are left out.
func readELF(r io.ReaderAt, size int64, program bool) (*ELF, error) {
	f, err := openELF(r, size)
	if err != nil {
		return nil, err
	}
	e := &ELF{
		Class:     int(f.pick(32, 64)),
		BigEndian: f.order.Uint16([]byte{0, 1}) == 1,
		Machine:   f.machine.String(),
		Type:      f.typ.String(),
	}
	e.Arch = goarch(f.machine, e.Class, e.BigEndian, f.flags)
	if e.Interpreter, err = f.interpreter(); err != nil {
		return nil, err
	}
	d, err := f.dynamic()
	if err != nil {
		return nil, err
	}
	if d == nil { // a static program: no loader, nothing more to read
		return e, nil
	}
	if err := e.readDynamic(d, program); err != nil {
		return nil, err
	}
	e.BindNow = d.has(elf.DT_BIND_NOW) || d.value(elf.DT_FLAGS)&uint64(elf.DF_BIND_NOW) != 0 ||
		d.value(elf.DT_FLAGS_1)&uint64(elf.DF_1_NOW) != 0
	e.PIE = f.typ == elf.ET_DYN && (d.value(elf.DT_FLAGS_1)&uint64(elf.DF_1_PIE) != 0 || e.Interpreter != "" && e.SOName == "")
	return e, nil
}

// readDynamic fills in what PT_DYNAMIC says.
func (e *ELF) readDynamic(d *dynamicTable, program bool) (err error) {
	for _, field := range []struct {
		tag  elf.DynTag
		name string
		max  int
		set  func(string)
	}{
		{elf.DT_NEEDED, "DT_NEEDED", maxNeeded, func(s string) { e.Needed = append(e.Needed, s) }},
		{elf.DT_SONAME, "DT_SONAME", 1, func(s string) { e.SOName = s }},
		{elf.DT_RPATH, "DT_RPATH", 1, func(s string) { e.RPath = splitPath(s) }},
		{elf.DT_RUNPATH, "DT_RUNPATH", 1, func(s string) { e.RunPath = splitPath(s) }},
	} {
		if n := len(d.values[field.tag]); n > field.max {
			return fmt.Errorf("reading %s: %d entries, the limit is %d", field.name, n, field.max)
		}
		for _, off := range d.values[field.tag] {
			s, err := d.name(off)
			if err != nil {
				return fmt.Errorf("reading %s: %w", field.name, err)
			}
			field.set(s)
		}
	}
	if n := max(len(e.RPath), len(e.RunPath)); n > maxPathElements {
		return fmt.Errorf("reading the search path: %d directories, the limit is %d", n, maxPathElements)
	}
	versions := versionNames{}
	if e.VersionNeeds, err = d.versionNeeds(versions); err != nil {
		return fmt.Errorf("reading the version needs: %w", err)
	}
	if e.VersionDefs, err = d.versionDefs(versions); err != nil {
		return fmt.Errorf("reading the version definitions: %w", err)
	}
	if e.Undefined, err = d.undefined(versions); err != nil {
		return fmt.Errorf("reading the undefined symbols: %w", err)
	}
	if e.Defined, err = d.defined(versions, program); err != nil {
		return fmt.Errorf("reading the defined symbols: %w", err)
	}
	e.held = d.held() + (len(e.Undefined)+len(e.Defined))*int(unsafe.Sizeof(Symbol{}))
	return nil
}

// splitPath splits a search path. An empty one is none; an empty element is the working directory.
func splitPath(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ":")
}

// goarch returns Go's name of a machine, "" if Go has no port to it. Source: cmd/link/internal/ld/elf.go.
func goarch(m elf.Machine, class int, bigEndian bool, flags uint32) string {
	const mipsABI2 = 0x20 // EF_MIPS_ABI2: the n32 ABI
	if m == elf.EM_MIPS && class == 32 && flags&mipsABI2 != 0 {
		return ""
	}
	return goarches[goarchKey{m, class, bigEndian}]
}

// goarchKey is what tells one GOARCH from another in an ELF header.
type goarchKey struct {
	machine   elf.Machine
	class     int
	bigEndian bool
}

var goarches = map[goarchKey]string{
	{elf.EM_386, 32, false}:       "386",
	{elf.EM_X86_64, 64, false}:    "amd64",
	{elf.EM_ARM, 32, false}:       "arm",
	{elf.EM_AARCH64, 64, false}:   "arm64",
	{elf.EM_PPC64, 64, true}:      "ppc64",
	{elf.EM_PPC64, 64, false}:     "ppc64le",
	{elf.EM_S390, 64, true}:       "s390x",
	{elf.EM_RISCV, 64, false}:     "riscv64",
	{elf.EM_MIPS, 32, true}:       "mips",
	{elf.EM_MIPS, 32, false}:      "mipsle",
	{elf.EM_MIPS, 64, true}:       "mips64",
	{elf.EM_MIPS, 64, false}:      "mips64le",
	{elf.EM_LOONGARCH, 64, false}: "loong64",
}
