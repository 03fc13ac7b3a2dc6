package binary

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/elftest"
)

// build writes an ELF file or ends the test.
func build(t testing.TB, s elftest.Spec) []byte {
	t.Helper()
	b, err := elftest.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// full is a specification with something in every field.
var full = elftest.Spec{
	Interpreter:  "/lib64/ld-linux-x86-64.so.2",
	Type:         "ET_DYN",
	Needed:       []string{"libx.so.1", "libc.so.6"},
	RPath:        []string{"/opt/a", ""},
	RunPath:      []string{"$ORIGIN/../lib"},
	VersionNeeds: []elftest.VersionNeed{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34"}, Weak: []string{"GLIBC_2.99"}}},
	Undefined: []elftest.Symbol{
		{Name: "puts", Version: "GLIBC_2.34", Library: "libc.so.6"},
		{Name: "maybe", Weak: true},
		{Name: "later", Lazy: true},
	},
	Defined: []elftest.Symbol{{Name: "own", Version: "APP_1"}, {Name: "old", Version: "APP_1", Hidden: true}, {Name: "bare"}},
	BindNow: true,
}

const fullJSON = `{"class":64,"machine":"EM_X86_64","arch":"amd64","type":"ET_DYN","pie":true,` +
	`"interpreter":"/lib64/ld-linux-x86-64.so.2","needed":["libx.so.1","libc.so.6"],"rpath":["/opt/a",""],` +
	`"runpath":["$ORIGIN/../lib"],"versionNeeds":[{"library":"libc.so.6","versions":["GLIBC_2.34"]}],` +
	`"versionDefs":["APP_1"],"undefined":[{"name":"puts","version":"GLIBC_2.34","library":"libc.so.6"},` +
	`{"name":"maybe","weak":true},{"name":"later","lazy":true}],"bindNow":true}`

func TestReadELFFull(t *testing.T) {
	e := mustRead(t, build(t, full))
	got, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != fullJSON {
		t.Errorf("got  %s\nwant %s", got, fullJSON)
	}
	want := []Symbol{{Name: "own", Version: "APP_1", index: 2}, {Name: "old", Version: "APP_1", index: 2 | versionHidden}, {Name: "bare", index: 1}}
	if len(e.Defined) != len(want) {
		t.Fatalf("Defined = %+v", e.Defined)
	}
	for i := range want {
		if e.Defined[i] != want[i] {
			t.Errorf("Defined[%d] = %+v, want %+v", i, e.Defined[i], want[i])
		}
	}
}

// mustRead reads a file from memory.
func mustRead(t testing.TB, b []byte) *ELF {
	t.Helper()
	e, err := ReadELF(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestReadELFMachines reads the same library built for every machine Go has a port to.
func TestReadELFMachines(t *testing.T) {
	for key, arch := range goarches {
		s := full
		s.Machine, s.Class, s.BigEndian = key.machine.String(), key.class, key.bigEndian
		e := mustRead(t, build(t, s))
		if e.Arch != arch || e.Class != key.class || e.BigEndian != key.bigEndian || e.Machine != s.Machine {
			t.Errorf("%s: got %+v", arch, e)
		}
		if len(e.Undefined) != 3 || !e.Undefined[2].Lazy || e.Undefined[0].Version != "GLIBC_2.34" || len(e.Defined) != 3 {
			t.Errorf("%s: Undefined %+v, Defined %+v", arch, e.Undefined, e.Defined)
		}
	}
	s := full
	s.Machine = "EM_SPARCV9"
	if e := mustRead(t, build(t, s)); e.Arch != "" || e.Machine != "EM_SPARCV9" {
		t.Errorf("a machine Go does not know: %q %q", e.Arch, e.Machine)
	}
	s.Machine, s.Class = "EM_X86_64", 32
	if e := mustRead(t, build(t, s)); e.Arch != "" {
		t.Errorf("x32: arch %q", e.Arch)
	}
}

// TestReadELFWithoutSections takes the section headers away, as sstrip does, and makes them lie.
func TestReadELFWithoutSections(t *testing.T) {
	for name, spoil := range map[string]func(b []byte){
		"none": func(b []byte) { clear(b[40:48]); clear(b[58:64]) },
		"lying": func(b []byte) {
			copy(b[40:48], "\xff\xff\xff\xff\xff\xff\xff\x7f")
			copy(b[58:64], "\xff\xff\xff\xff\xff\xff")
		},
	} {
		b := build(t, full)
		spoil(b)
		if got, _ := json.Marshal(mustRead(t, b)); string(got) != fullJSON {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// TestReadELFStatic reads a program without a loader.
func TestReadELFStatic(t *testing.T) {
	got, _ := json.Marshal(mustRead(t, build(t, elftest.Spec{})))
	if want := `{"class":64,"machine":"EM_X86_64","arch":"amd64","type":"ET_EXEC"}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReadGoSymbols leaves out of a program what only Go code can name; ReadELF leaves out nothing.
func TestReadGoSymbols(t *testing.T) {
	b := build(t, elftest.Spec{Type: "ET_DYN", Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"}, Defined: []elftest.Symbol{
		{Name: "environ"}, {Name: "runtime.main"}, {Name: "type:string"}, {Name: "main.main"}, {Name: ".dot"}}})
	names := func(e *ELF) string {
		var all []string
		for _, s := range e.Defined {
			all = append(all, s.Name)
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	all, err := ReadELF(bytes.NewReader(b), int64(len(b)))
	if err != nil || names(all) != ".dot environ main.main runtime.main type:string" {
		t.Errorf("ReadELF: %q, %v", names(all), err)
	}
	program, err := Read(bytes.NewReader(b), int64(len(b)), "/app")
	if err != nil || names(program.ELF) != "environ main.main" {
		t.Errorf("Read: %q, %v", names(program.ELF), err)
	}
}
