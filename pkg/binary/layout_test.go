package binary_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	pkg "github.com/imgaudit/imgaudit/pkg/binary"
)

// TestLayout builds one program in the ways that a layout differs by, and compares with what was asked for.
func TestLayout(t *testing.T) {
	for _, test := range []struct {
		name       string
		args       []string
		pie, paths bool
		debug, sym bool
		id         string // the wanted Go build ID, "*" for any
		relro      string
		cgo        bool
		staticPIE  bool
	}{
		{name: "default", paths: true, debug: true, sym: true, id: "*"},
		{name: "trimpath", args: []string{"-trimpath"}, debug: true, sym: true, id: "*"},
		{name: "w", args: []string{"-trimpath", "-ldflags=-w"}, sym: true, id: "*"},
		{name: "stripped", args: []string{"-trimpath", "-ldflags=-s -w"}, id: "*"},
		{name: "no id", args: []string{"-trimpath", "-ldflags=-s -w -buildid="}},
		{name: "id", args: []string{"-trimpath", "-ldflags=-s -buildid=release-7"}, id: "release-7"},
		{name: "pie", args: []string{"-trimpath", "-ldflags=-s", "-buildmode=pie"}, pie: true, id: "*", relro: "partial"},
		{name: "external", args: []string{"-trimpath", "-ldflags=-s -linkmode=external"}, id: "*", relro: "partial", cgo: true},
		{name: "external pie", args: []string{"-trimpath", "-buildmode=pie", "-ldflags=-s -linkmode=external -extldflags=-Wl,-z,now"}, pie: true, id: "*", relro: "full", cgo: true},
		{name: "static pie", args: []string{"-trimpath", "-buildmode=pie", "-ldflags=-s -linkmode=external -extldflags=-static-pie"}, pie: true, staticPIE: true, id: "*", relro: "partial", cgo: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := buildLike(t, test.cgo, test.args...)
			l := layout(t, data)
			if l.PIE != test.pie || l.StaticPIE != test.staticPIE || l.RELRO != test.relro || !l.NX {
				t.Errorf("PIE %v, static PIE %v, RELRO %q, NX %v", l.PIE, l.StaticPIE, l.RELRO, l.NX)
			}
			if l.Debug > 0 != test.debug || l.Symbols > 0 != test.sym {
				t.Errorf("%d bytes of debug information, %d of symbols", l.Debug, l.Symbols)
			}
			if l.BuildID != test.id && (test.id != "*" || l.BuildID == "") {
				t.Errorf("build ID %q, want %q", l.BuildID, test.id)
			}
			wd, err := filepath.Abs(apps + "/hello")
			if err != nil {
				t.Fatal(err)
			}
			if test.paths && !slices.Contains(l.Paths, wd) || !test.paths && len(l.Paths) > 0 {
				t.Errorf("builder's directories %q", l.Paths)
			}
			compareELF(t, data, l, test.cgo)
		})
	}
}

// buildLike builds testdata/apps/hello for amd64.
func buildLike(t *testing.T, cgo bool, args ...string) []byte {
	t.Helper()
	env := "CGO_ENABLED=0"
	if cgo {
		env = "CGO_ENABLED=1"
		if _, err := exec.LookPath("gcc"); err != nil {
			t.Skip("no C compiler: gcc is not in $PATH")
		}
	}
	file := filepath.Join(t.TempDir(), "app")
	c := exec.Command("go", append(append([]string{"build", "-o", file}, args...), apps+"/hello")...)
	c.Env = append(os.Environ(), env, "GOARCH=amd64", "GOFLAGS=-buildvcs=false")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build %q: %v\n%s", args, err, text)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func layout(t *testing.T, data []byte) pkg.Layout {
	t.Helper()
	b, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	return b.Layout
}

// compareELF holds the sections against debug/elf's, and the packages' bytes against the text, which may have C too.
func compareELF(t *testing.T, data []byte, l pkg.Layout, libc bool) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, s := range l.Sections {
		sizes[s.Name] = s.Size
	}
	for _, s := range f.Sections[1:] {
		want := int64(s.FileSize)
		if s.Type == elf.SHT_NOBITS {
			want = 0
		}
		if got, ok := sizes[s.Name]; !ok || got != want {
			t.Errorf("section %s has %d bytes, want %d", s.Name, got, want)
		}
	}
	total := int64(0)
	for _, p := range l.Packages {
		total += p.Size
	}
	text := int64(f.Section(".text").Size)
	if len(l.Packages) < 10 || l.Packages[0].Package != "runtime" || total > text || total < text*9/10 && !libc {
		t.Errorf("%d packages, the first %v, have %d bytes of a text of %d", len(l.Packages), l.Packages[0], total, text)
	}
}

// TestLayoutLies changes the section table, which nothing that starts a program looks at: the rest must read the same.
func TestLayoutLies(t *testing.T) {
	data := buildLike(t, false)
	good, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	table := int(binary.LittleEndian.Uint64(data[40:]))
	count := int(binary.LittleEndian.Uint16(data[60:]))
	put := binary.LittleEndian.PutUint64
	lies := map[string]func(b []byte){
		"no table":          func(b []byte) { clear(b[40:48]) },
		"far away":          func(b []byte) { put(b[40:], 1<<62) },
		"no names":          func(b []byte) { binary.LittleEndian.PutUint16(b[62:], 0) },
		"names of another":  func(b []byte) { binary.LittleEndian.PutUint16(b[62:], 0xffff) },
		"entries of a byte": func(b []byte) { binary.LittleEndian.PutUint16(b[58:], 1) },
		"a count elsewhere": func(b []byte) { clear(b[60:62]); put(b[table+32:], 1<<40) },
	}
	for i := range count {
		lies["size of "+string(rune('A'+i))] = func(b []byte) { put(b[table+64*i+32:], 1<<60) }
		lies["whole file "+string(rune('A'+i))] = func(b []byte) { put(b[table+64*i+24:], 0); put(b[table+64*i+32:], uint64(len(b))) }
		lies["name of "+string(rune('A'+i))] = func(b []byte) { binary.LittleEndian.PutUint32(b[table+64*i:], 1<<32-1) }
		lies["compressed "+string(rune('A'+i))] = func(b []byte) { b[table+64*i+8+1] |= byte(elf.SHF_COMPRESSED >> 8) }
	}
	for name, lie := range lies {
		b := bytes.Clone(data)
		lie(b)
		got, err := read(b)
		if err != nil || got.Opaque != "" || len(got.Needs) != len(good.Needs) || got.Layout.BuildID != good.Layout.BuildID {
			t.Errorf("%s: %v, %+v", name, err, got)
			continue
		}
		total := int64(0)
		for _, s := range got.Layout.Sections {
			total += s.Size
		}
		if total > int64(len(b)) || got.Layout.Debug > good.Layout.Debug {
			t.Errorf("%s: %d bytes in sections of a file of %d, %d of them debug information", name, total, len(b), got.Layout.Debug)
		}
	}
}

// TestLayoutNotes makes notes that never end, overlap and promise more than there is.
func TestLayoutNotes(t *testing.T) {
	data := buildLike(t, false, "-ldflags=-s")
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	note := f.Section(".note.go.buildid")
	segments := int(binary.LittleEndian.Uint64(data[32:]))
	var before, after runtime.MemStats
	for _, size := range []uint64{0, 1, note.Size, 64 << 10, 64<<10 + 1, uint64(len(data)), 1 << 62} {
		for _, words := range [][3]uint32{{0, 0, 0}, {4, 1<<32 - 1, 4}, {1<<32 - 1, 4, 4}, {1<<32 - 1, 1<<32 - 1, 4}, {4, 0, 4}} {
			b := bytes.Clone(data)
			for i := range f.Progs {
				if f.Progs[i].Type == elf.PT_NOTE {
					binary.LittleEndian.PutUint64(b[segments+56*i+32:], size)
				}
			}
			for i, w := range words {
				binary.LittleEndian.PutUint32(b[note.Offset+uint64(4*i):], w)
			}
			runtime.ReadMemStats(&before)
			if _, err := read(b); err != nil {
				t.Errorf("size %d, note %v: %v", size, words, err)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("size %d, note %v: %d bytes allocated", size, words, used)
			}
		}
	}
}

// TestGODEBUG reads the settings of the build information.
func TestGODEBUG(t *testing.T) {
	g := &pkg.GoInfo{Version: "go1.26.8-X:boringcrypto", Settings: map[string]string{"DefaultGODEBUG": "containermaxprocs=0,x,tlsmlkem=0"}}
	if m := g.GODEBUG(); len(m) != 2 || m["containermaxprocs"] != "0" || m["tlsmlkem"] != "0" {
		t.Errorf("got %v", m)
	}
	if g.Release() != "go1.26.8" || (&pkg.GoInfo{Version: "devel go1.27-abc"}).Release() != "" || (&pkg.GoInfo{}).GODEBUG() != nil {
		t.Errorf("release %q", g.Release())
	}
}
