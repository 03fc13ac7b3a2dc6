package binary_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	pkg "github.com/imgaudit/imgaudit/pkg/binary"
)

// build builds one program of testdata/apps for GOARCH, stripped.
func build(t testing.TB, app, arch string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), app)
	c := exec.Command("go", "build", "-o", file, "-trimpath", "-ldflags=-s -w", apps+"/"+app)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch, "GOFLAGS=-buildvcs=false")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", app, err, text)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(data []byte) (*pkg.Binary, error) {
	return pkg.Read(bytes.NewReader(data), int64(len(data)), "app")
}

// TestReadOtherMachines shows that without a call graph what is linked is still seen.
func TestReadOtherMachines(t *testing.T) {
	if !*all {
		t.Skip("builds the standard library for four machines: run with -all")
	}
	for _, arch := range []string{"386", "s390x", "mips", "riscv64"} {
		b, err := read(build(t, "zone", arch))
		if err != nil {
			t.Fatalf("%s: %v", arch, err)
		}
		n, ok := b.Need(pkg.TopicZoneinfo)
		if b.ELF.Arch != arch || b.Opaque != "" || !ok || n.Certainty != pkg.Possible {
			t.Errorf("%s: read %s, opaque %q, zoneinfo %v", arch, b.ELF.Arch, b.Opaque, n)
		}
	}
}

func TestReadTruncated(t *testing.T) {
	data := build(t, "zone", "amd64")
	for n := 0; n < len(data); n += 1 + n/7 {
		b, err := read(data[:n])
		if err == nil && b.Opaque == "" && b.Go != nil && n < len(data)/2 {
			t.Errorf("cut to %d of %d bytes it is read as if whole", n, len(data))
		}
		if n == 0 && !errors.Is(err, pkg.ErrNotELF) {
			t.Errorf("an empty file gives %v, want %v", err, pkg.ErrNotELF)
		}
	}
}

// TestReadMutated overwrites words of the header, the program headers, the function table's header and index, and
// runtime.moduledata. Nothing may panic or take memory that the file's length does not justify.
func TestReadMutated(t *testing.T) {
	data := build(t, "zone", "amd64")
	places := []int{0, 16, 24, 32, 40, 54, 56}
	for i := range 10 * 7 {
		places = append(places, 64+8*i)
	}
	table := bytes.Index(data, []byte("\xf1\xff\xff\xff\x00\x00\x01\x08"))
	if table < 0 {
		t.Fatal("no function table")
	}
	for i := range 64 {
		places = append(places, table+8*i)
	}
	pclntab := binary.LittleEndian.Uint64(data[table+64:])
	for i := range 16 {
		places = append(places, table+int(pclntab)+4*i)
	}
	values := []uint64{0, 1, 0x7f, 0xffff, 1 << 31, 1<<32 - 1, 1 << 40, 1 << 62, 1<<64 - 1}
	random := rand.New(rand.NewPCG(1, 2))
	var before, after runtime.MemStats
	for _, at := range places {
		c := bytes.Clone(data)
		for _, v := range []uint64{values[random.IntN(len(values))], random.Uint64(), binary.LittleEndian.Uint64(data[at:]) + uint64(random.IntN(64))} {
			binary.LittleEndian.PutUint64(c[at:], v)
			runtime.ReadMemStats(&before)
			read(c)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20+8*uint64(len(data)) {
				t.Errorf("with %#x at %#x %d bytes are allocated for a file of %d", v, at, used, len(data))
			}
		}
	}
}

func TestReadOpaque(t *testing.T) {
	data := build(t, "zone", "amd64")
	for _, test := range []struct {
		name, want string
		change     func(b []byte) []byte
	}{
		{"packed", "packed with UPX", func(b []byte) []byte {
			copy(b[600:], "UPX!")
			return append(b, "UPX!"...)
		}},
		{"magic", "obfuscated: function names are gone", func(b []byte) []byte {
			return bytes.Replace(b, []byte("\xf1\xff\xff\xff\x00\x00\x01\x08"), []byte("\x8e\xd2\x6a\xe3\x00\x00\x01\x08"), 1)
		}},
		{"names", "obfuscated: function names are gone", func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("\x00runtime.main\x00"), []byte("\x00qunt1me.ma1n\x00"))
		}},
		{"no table", "the function table is gone", func(b []byte) []byte {
			return bytes.Replace(b, []byte("\xf1\xff\xff\xff\x00\x00\x01\x08"), make([]byte, 8), 1)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, err := read(test.change(bytes.Clone(data)))
			if err != nil {
				t.Fatal(err)
			}
			if b.Opaque != test.want || len(b.Needs) != 0 {
				t.Errorf("opaque %q, needs %v, want opaque %q and no needs", b.Opaque, b.Needs, test.want)
			}
		})
	}
}

func TestReadNotELF(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "empty",
		"#!/bin/sh\nexit\n":        "script",
		"MZ\x90\x00":               "Windows",
		"\xcf\xfa\xed\xfe\x07\x00": "macOS",
		"PK\x03\x04":               "archive",
		"!<arch>\n":                "archive",
	} {
		_, err := read([]byte(text))
		if !errors.Is(err, pkg.ErrNotELF) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %v naming %q", text, err, pkg.ErrNotELF, want)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("the disk is on fire")
	_, err := pkg.Read(readerAt{iotest.ErrReader(broken)}, 1<<20, "app")
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// readerAt reads from where it likes.
type readerAt struct {
	r interface{ Read([]byte) (int, error) }
}

func (r readerAt) ReadAt(b []byte, _ int64) (int, error) { return r.r.Read(b) }

// FuzzRead starts from the parts of a real program that decide: the headers, the function table, the module data.
func FuzzRead(f *testing.F) {
	data := build(f, "hello", "amd64")
	f.Add(data)
	f.Add(data[:4096])
	for _, at := range []int{16, 54, 64 + 8, 64 + 32, 64 + 56 + 16} {
		c := bytes.Clone(data[:64<<10])
		binary.LittleEndian.PutUint64(c[at:], 1<<63-1)
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := read(b)
		if (got == nil) == (err == nil) {
			t.Errorf("read gives %v and %v", got, err)
		}
	})
}
