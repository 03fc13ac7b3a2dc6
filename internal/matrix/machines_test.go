package matrix

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// machine is one whose calls are not read.
type machine struct {
	arch      string
	class     int
	bigEndian bool
	always    bool // also in the subset
}

var machines = []machine{
	{"386", 32, false, true}, {"arm", 32, false, false}, {"mips", 32, true, false}, {"mipsle", 32, false, false},
	{"mips64", 64, true, false}, {"ppc64", 64, true, false}, {"ppc64le", 64, false, false}, {"s390x", 64, true, true},
	{"riscv64", 64, false, false}, {"loong64", 64, false, false},
}

// TestMachines holds what is read where calls are not: headers, build information, and of each need that it is possible.
// A name that survived linking says no more, and one that did not says as much as anywhere.
func TestMachines(t *testing.T) {
	if testing.Short() {
		t.Skip("short: compiles the standard library for other machines")
	}
	everything, nothing := programNamed(t, "proof-every-need"), programNamed(t, "environment-names")
	source := writeSources(t, []*program{everything, nothing})
	for _, m := range machines {
		if !m.always && !full() {
			continue
		}
		t.Run(m.arch, func(t *testing.T) {
			v := variant{name: m.arch, env: []string{"CGO_ENABLED=0", "GOARCH=" + m.arch}, args: stripped}
			out := v.build(t, source, []*program{everything, nothing})
			b := read(t, filepath.Join(out, everything.name))
			if b.ELF.Arch != m.arch || b.ELF.Class != m.class || b.ELF.BigEndian != m.bigEndian || b.Opaque != "" ||
				b.Go == nil || b.Go.Settings["GOARCH"] != m.arch {
				t.Errorf("%+v, opaque %q, Go %+v", b.ELF, b.Opaque, b.Go)
			}
			for topic, c := range everything.needs {
				if n, ok := b.Need(topic); !ok || n.Certainty != binary.Possible {
					t.Errorf("%s: %q is said of what happens %s", topic, n.Certainty, c.word)
				}
			}
			if s := b.Signals; !s.Notify || !s.Unknown || len(s.Handled) > 0 || s.All {
				t.Errorf("signals: %s", showSignals(s))
			}
			if handles, known := b.Signals.Handles(15); known {
				t.Errorf("knows that SIGTERM is handled: %v", handles)
			}
			b = read(t, filepath.Join(out, nothing.name))
			for topic := range everything.needs {
				if n, ok := b.Need(topic); ok && !slices.Contains(linkedAnyway, topic) {
					t.Errorf("%s: %q is said of what is not linked", topic, n.Certainty)
				}
			}
			if b.Signals.Notify {
				t.Errorf("signals: %s", showSignals(b.Signals))
			}
		})
	}
}

// TestOtherFormats holds that a program that is no ELF file is named and declined.
func TestOtherFormats(t *testing.T) {
	if !full() {
		t.Skip("compiles the runtime for other systems: set IMGAUDIT_MATRIX=all")
	}
	source := t.TempDir()
	write(t, filepath.Join(source, "go.mod"), []byte(goMod))
	write(t, filepath.Join(source, "main.go"), []byte("package main\n\nfunc main() { println(\"hello\") }\n"))
	for system, says := range map[string]string{
		"darwin/arm64": "not an ELF file but a macOS executable", "windows/amd64": "not an ELF file but a Windows executable",
		"js/wasm": "not an ELF file but a WebAssembly module",
	} {
		out := filepath.Join(t.TempDir(), "app")
		name, arch := filepath.Split(system)
		v := variant{name: system, env: []string{"CGO_ENABLED=0", "GOOS=" + name[:len(name)-1], "GOARCH=" + arch}}
		v.compile(t, source, out, ".")
		if got := readError(t, out); got != says {
			t.Errorf("%s: %q, want %q", system, got, says)
		}
	}
}

func readError(t *testing.T, file string) string {
	t.Helper()
	_, err := tryRead(t, file)
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestWithoutSections takes the section table away, as sstrip does: the kernel never looks at it, and the facts do not
// change.
func TestWithoutSections(t *testing.T) {
	p := programNamed(t, "zone-by-name")
	source := writeSources(t, []*program{p})
	i := slices.IndexFunc(variants, func(v variant) bool { return v.name == "stripped" })
	file := filepath.Join(variants[i].build(t, source, []*program{p}), p.name)
	before := read(t, file)
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end := uint64(0)
	for _, s := range f.Progs {
		end = max(end, s.Off+s.Filesz)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[40:48]) // e_shoff
	clear(data[60:64]) // e_shnum, e_shstrndx
	write(t, file+".sstrip", data[:end])
	after := read(t, file+".sstrip")
	if len(after.Layout.Sections) > 0 {
		t.Errorf("%d sections are left", len(after.Layout.Sections))
	}
	if got, want := jsonText(t, after.Needs), jsonText(t, before.Needs); got != want {
		t.Errorf("needs: %s\nwant %s", got, want)
	}
	if got, want := jsonText(t, after.Go), jsonText(t, before.Go); got != want {
		t.Errorf("build information: %s\nwant %s", got, want)
	}
}
