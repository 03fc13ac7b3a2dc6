package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// entry is one entry of an archive.
type entry struct {
	name, link string
	data       []byte
}

// archiveOf packs entries in their order.
func archiveOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o755, Size: int64(len(e.data)), Typeflag: tar.TypeReg}
		if e.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// savedOf is a docker-archive of layers given as tars, manifest last.
func savedOf(t testing.TB, layers ...[]byte) []byte {
	t.Helper()
	config := map[string]any{"os": "linux", "architecture": "amd64"}
	var diffIDs, names []string
	var entries []entry
	for i, l := range layers {
		diffIDs = append(diffIDs, digestOf(l))
		names = append(names, fmt.Sprintf("%d/layer.tar", i))
		entries = append(entries, entry{name: names[i], data: l})
	}
	config["rootfs"] = map[string]any{"type": "layers", "diff_ids": diffIDs}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal([]saved{{Config: "config.json", RepoTags: []string{"app:1"}, Layers: names}})
	if err != nil {
		t.Fatal(err)
	}
	return archiveOf(t, append(entries, entry{name: "config.json", data: raw}, entry{name: "manifest.json", data: manifest})...)
}

func readPipe(t testing.TB, archive []byte) (*Image, error) {
	t.Helper()
	return Read(context.Background(), Stream, "-", Options{Stream: struct{ io.Reader }{bytes.NewReader(archive)}})
}

// program is an ELF file with code, and with Go's mark if wanted.
func program(size int, golang bool) []byte {
	data := bytes.Repeat([]byte{0xcc}, size)
	copy(data, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint64(data[32:], 64)
	le.PutUint16(data[54:], 56)
	le.PutUint16(data[56:], 2)
	for i, s := range []segment{{1, 4, 0, 1 << 16}, {1, 5, 1 << 16, uint64(size - 3<<16)}} {
		h := data[64+56*i:]
		le.PutUint32(h, s.kind)
		le.PutUint32(h[4:], s.flags)
		le.PutUint64(h[8:], s.offset)
		le.PutUint64(h[32:], s.size)
	}
	if golang {
		copy(data[size/2:], goMagic)
	}
	return data
}

// TestProgramsOfAPipe: of programs that come through a pipe the ones that Go built are kept whole, of others the parts
// that a loader reads; what cannot be read says so, and whether it may be Go's.
func TestProgramsOfAPipe(t *testing.T) {
	foreign := archiveOf(t, entry{name: "bin/c", data: program(40<<20, false)}, entry{name: "bin/d", data: program(90<<20, false)})
	others := archiveOf(t, entry{name: "bin/go1", data: program(50<<20, true)}, entry{name: "bin/e", data: program(30<<20, false)})
	last := archiveOf(t, entry{name: "bin/go2", data: program(44<<20, true)}, entry{name: "bin/go3", data: program(20<<20, true)}, entry{name: "usr/lib/blob", data: bytes.Repeat([]byte("x"), 100_000)})
	img, err := readPipe(t, savedOf(t, foreign, others, last))
	if err != nil || img.FS == nil {
		t.Fatalf("%v %v", err, img)
	}
	for name, want := range map[string]string{"bin/go1": "whole", "bin/go2": "whole", "bin/go3": "gone, Go", "bin/c": "parts",
		"bin/d": "gone, not Go", "bin/e": "parts", "usr/lib/blob": "gone, not Go"} {
		got := "whole"
		f, err := img.FS.Open(name)
		if err == nil {
			b := make([]byte, 64)
			if _, err := f.(io.ReaderAt).ReadAt(b, 0); err != nil || !strings.HasPrefix(string(b), "\x7fELF") {
				t.Errorf("%s: its head: %v", name, err)
			}
			if _, err = f.(io.ReaderAt).ReadAt(b, 10<<20); err != nil {
				got = "parts"
			}
			info, _ := f.Stat()
			if n, err := f.(io.ReaderAt).ReadAt(b, info.Size()-10); n != 10 || err != io.EOF {
				t.Errorf("%s: its end: %d bytes, %v", name, n, err)
			}
		}
		var lost *GoneError
		if errors.As(err, &lost) && got == "whole" {
			got = "gone, " + map[bool]string{true: "Go", false: "not Go"}[lost.Go]
		} else if err != nil && lost == nil {
			t.Errorf("%s: %v", name, err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestArchivesThatPass: what an archive may hold beside layers, and what it may not do.
func TestArchivesThatPass(t *testing.T) {
	layer := archiveOf(t, entry{name: "a", data: []byte("a")})
	good := savedOf(t, layer)
	manifest := func(layers ...string) entry {
		data, err := json.Marshal([]saved{{Config: "c.json", Layers: layers}})
		if err != nil {
			t.Fatal(err)
		}
		return entry{name: "manifest.json", data: data}
	}
	config := entry{name: "c.json", data: []byte(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["` + digestOf(layer) + `"]}}`)}
	brace := archiveOf(t, entry{name: "{", data: []byte("a")})
	for name, c := range map[string]struct {
		archive []byte
		want    string // "" for an image whose layers are read, "unread: ..." for one whose layer is not
	}{
		"good":                     {good, ""},
		"manifest first":           {archiveOf(t, manifest("l.tar"), config, entry{name: "l.tar", data: layer}), ""},
		"a linked layer":           {archiveOf(t, entry{name: "x/l.tar", data: layer}, entry{name: "y/l.tar", link: "../x/l.tar"}, config, manifest("y/l.tar")), ""},
		"a loop of links":          {archiveOf(t, entry{name: "l.tar", link: "m.tar"}, entry{name: "m.tar", link: "l.tar"}, config, manifest("l.tar")), "unread: not found: l.tar"},
		"other members":            {archiveOf(t, entry{name: "VERSION", data: []byte("1.0")}, entry{name: "repositories", data: []byte("{}")}, entry{name: "l.tar", data: layer}, entry{name: "junk", data: bytes.Repeat([]byte("junk"), 999)}, config, manifest("l.tar")), ""},
		"no such layer":            {archiveOf(t, config, manifest("l.tar")), "unread: not found: l.tar"},
		"a layer that is none":     {archiveOf(t, entry{name: "l.tar", data: bytes.Repeat([]byte("junk"), 999)}, config, manifest("l.tar")), "unread: not a tar"},
		"another layer":            {archiveOf(t, entry{name: "l.tar", data: archiveOf(t)}, config, manifest("l.tar")), "unread: diffID: digest does not match"},
		"a file called {":          {archiveOf(t, entry{name: "l.tar", data: brace}, config, manifest("l.tar")), "unread: diffID: digest does not match"},
		"no image":                 {archiveOf(t, entry{name: "l.tar", data: layer}), "a tar with neither manifest.json nor index.json: not an image"},
		"no tar":                   {bytes.Repeat([]byte{0x7f}, 2000), "not a tar: not an image"},
		"nothing":                  {nil, "a tar with neither manifest.json nor index.json: not an image"},
		"cut in the layer":         {good[:700], "unexpected EOF"},
		"cut in the manifest":      {good[:len(good)-1700], "unexpected EOF"},
		"a config too big":         {archiveOf(t, entry{name: "l.tar", data: layer}, entry{name: "c.json", data: append([]byte(`{"x":"`), make([]byte, maxConfig)...)}, manifest("l.tar")), "config: c.json: more than the limit of 8388608 bytes"},
		"too many bytes of them":   {archiveOf(t, entry{name: "1", data: documentOf(maxConfig)}, entry{name: "2", data: documentOf(maxConfig)}, entry{name: "3", data: documentOf(maxConfig)}, entry{name: "4", data: documentOf(maxConfig)}, entry{name: "l.tar", data: layer}, config, manifest("l.tar")), "documents of the archive: more than the limit of 33554432 bytes"},
		"more members than we own": {archiveOf(t, make([]entry, maxPassing+1)...), "archive: more than the limit of 65536 entries"},
	} {
		img, err := readPipe(t, c.archive)
		got := ""
		switch {
		case err != nil:
			got = strings.TrimPrefix(err.Error(), "reading -: ")
		case img.FS == nil:
			got = "unread: " + strings.TrimPrefix(img.Unread[0].Because, "reading layer 0 of -: ")
		}
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestPackedArchiveThatBursts: an archive that is packed as a whole is bounded as its layers are.
func TestPackedArchiveThatBursts(t *testing.T) {
	zeros := make([]byte, 1<<20)
	for want, c := range map[string]*counted{
		"packed archive: more than the limit of 34359738368 bytes":             {n: maxImageSize - 1<<19, from: &counted{n: maxImageSize}},
		"packed archive: more than the limit of 200 bytes for each one stored": {n: bombSize - 1<<19, from: &counted{n: bombSize/maxRatio - 1}},
	} {
		c.Reader = bytes.NewReader(zeros)
		if _, err := io.ReadAll(c); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for _, c := range []*counted{{n: maxImageSize}, {n: bombSize, from: &counted{n: bombSize}}, {from: &counted{}}} {
		c.Reader = bytes.NewReader(zeros)
		if _, err := io.ReadAll(c); err != nil {
			t.Error(err)
		}
	}
}

// documentOf is a JSON document of so many bytes.
func documentOf(size int) []byte {
	return append(append([]byte(`{"x":"`), bytes.Repeat([]byte("y"), size-8)...), `"}`...)
}

// TestPipeThatHangs: a pipe into which nothing more is written ends with the time.
func TestPipeThatHangs(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	go func() { _, _ = out.Write(make([]byte, 100)) }()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Read(ctx, Stream, "-", Options{Stream: in}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func FuzzPassing(f *testing.F) {
	f.Add(savedOf(f, archiveOf(f, entry{name: "a", data: []byte("a")})))
	f.Add(archiveOf(f, entry{name: "index.json", data: []byte(`{"manifests":[]}`)}))
	f.Fuzz(func(t *testing.T, archive []byte) {
		img, err := readPipe(t, archive)
		if err == nil && img.FS == nil && len(img.Unread) == 0 {
			t.Error("neither read nor unread")
		}
	})
}

func FuzzThin(f *testing.F) {
	f.Add(program(200_000, false))
	f.Fuzz(func(t *testing.T, data []byte) {
		thinned := &thinned{size: int64(len(data)), parts: []part{{0, bytes.Clone(data)}}, lost: gone{}}
		thinned.thin()
		b := make([]byte, 1000)
		for at := int64(0); at < int64(len(data)); at += 777 {
			n, err := thinned.ReadAt(b, at)
			if !bytes.Equal(b[:n], data[at:at+int64(n)]) || n < len(b) && err == nil {
				t.Fatalf("at %d: %d bytes, %v", at, n, err)
			}
		}
	})
}
