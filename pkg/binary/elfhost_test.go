package binary

import (
	"debug/elf"
	"path/filepath"
	"slices"
	"testing"
)

// TestReadELFHost compares readELF, which goes by segments, with debug/elf, which goes by sections, over the host's
// libraries.
func TestReadELFHost(t *testing.T) {
	libraries, err := filepath.Glob("/usr/lib/*/lib*.so.[0-9]")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, p := range libraries {
		if compared == hostPrograms {
			break
		}
		if p, err = filepath.EvalSymlinks(p); err != nil {
			continue
		}
		e, want := readProgram(p), describe(t, p)
		if e == nil || want == nil {
			continue
		}
		got := describeOurs(e)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", p, got, want)
		}
		compared++
	}
	if compared == 0 {
		t.Skip("no shared libraries here")
	}
	t.Logf("%d libraries", compared)
}

// describeOurs lists what a library needs and defines, sorted.
func describeOurs(e *ELF) []string {
	var out []string
	for _, s := range e.Defined {
		out = append(out, "defines "+s.Name+"@"+s.Version)
	}
	for _, n := range e.Needed {
		out = append(out, "needs "+n)
	}
	for _, v := range e.VersionDefs {
		out = append(out, "provides "+v)
	}
	for _, n := range e.VersionNeeds {
		for _, v := range n.Versions {
			out = append(out, "wants "+v+" of "+n.Library)
		}
	}
	slices.Sort(out)
	return out
}

// describe lists the same by debug/elf, nil if it cannot.
func describe(t *testing.T, path string) []string {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []string
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil
	}
	for _, s := range symbols {
		visible := elf.ST_VISIBILITY(s.Other) == elf.STV_DEFAULT || elf.ST_VISIBILITY(s.Other) == elf.STV_PROTECTED
		placed := s.Value != 0 || s.Section == elf.SHN_ABS || elf.ST_TYPE(s.Info) == elf.STT_TLS
		if s.Section != elf.SHN_UNDEF && elf.ST_BIND(s.Info) != elf.STB_LOCAL && visible && placed {
			out = append(out, "defines "+s.Name+"@"+s.Version)
		}
	}
	needed, err := f.DynString(elf.DT_NEEDED)
	if err != nil {
		return nil
	}
	for _, n := range needed {
		out = append(out, "needs "+n)
	}
	if defs, err := f.DynamicVersions(); err == nil {
		for _, d := range defs {
			if d.Flags&elf.VER_FLG_BASE == 0 {
				out = append(out, "provides "+d.Name)
			}
		}
	}
	if needs, err := f.DynamicVersionNeeds(); err == nil {
		for _, n := range needs {
			for _, d := range n.Needs {
				if d.Flags&elf.VER_FLG_WEAK == 0 {
					out = append(out, "wants "+d.Dep+" of "+n.Name)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
