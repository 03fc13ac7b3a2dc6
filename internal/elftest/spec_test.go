package elftest

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"slices"
	"testing"
)

// TestBuild reads a file that was described in JSON with the standard library, which goes by the sections.
func TestBuild(t *testing.T) {
	const text = `{"machine": "EM_AARCH64", "soname": "libx.so.1", "needed": ["libc.so.6"], "rpath": ["/a", "/b"], "runpath": ["/c"],
		"undefined": [{"name": "puts", "version": "GLIBC_2.17", "library": "libc.so.6"}, {"name": "bare", "weak": true}],
		"defined": [{"name": "x", "version": "X_1"}, {"name": "y", "version": "X_2"}]}`
	var s Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	b, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != elf.EM_AARCH64 || f.Type != elf.ET_DYN {
		t.Errorf("machine %v, type %v", f.Machine, f.Type)
	}
	for tag, want := range map[elf.DynTag][]string{
		elf.DT_NEEDED: {"libc.so.6"}, elf.DT_SONAME: {"libx.so.1"}, elf.DT_RPATH: {"/a:/b"}, elf.DT_RUNPATH: {"/c"},
	} {
		if got, err := f.DynString(tag); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v = %q, %v, want %q", tag, got, err, want)
		}
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range symbols {
		got = append(got, s.Name+"@"+s.Version+"@"+s.Library)
	}
	if want := []string{"puts@GLIBC_2.17@libc.so.6", "bare@@", "x@X_1@", "y@X_2@"}; !slices.Equal(got, want) {
		t.Errorf("symbols %q, want %q", got, want)
	}
	defs, err := f.DynamicVersions()
	if err != nil || len(defs) != 3 || defs[1].Name != "X_1" || defs[2].Name != "X_2" {
		t.Errorf("version definitions %+v, %v", defs, err)
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil || len(needs) != 1 || needs[0].Name != "libc.so.6" || needs[0].Needs[0].Dep != "GLIBC_2.17" {
		t.Errorf("version needs %+v, %v", needs, err)
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, s := range []Spec{{Machine: "EM_NONSENSE"}, {Type: "ET_NONSENSE"}, {Class: 16}} {
		if _, err := Build(s); err == nil {
			t.Errorf("%+v was built", s)
		}
	}
}
