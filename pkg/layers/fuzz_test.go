package layers

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"path/filepath"
	"testing"
)

// FuzzTar merges two hostile layers and looks at every path of the result.
func FuzzTar(f *testing.F) {
	f.Add([]byte(nil), []byte("\x1f\x8b"))
	f.Add(packed(f, "a", "d/b"), packed(f, ".wh.a"))
	f.Add(tarOf(f, "a", "d/.wh.a", "d/.wh..wh..opq"), tarOf(f, ".wh.a", "../x", "a/b"))
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		tr := newTree()
		for i, raw := range [][]byte{lower, upper} {
			left := newBudget()
			left.unpacked.Store(1 << 20)
			layer, err := readStream(context.Background(), memoryBlob(raw), -1, left, newOrigin())
			if err != nil {
				return
			}
			if layer.diffID == "" || layer.size != int64(len(raw)) {
				t.Fatalf("read %d of %d bytes", layer.size, len(raw))
			}
			if tr.lay(i, &layer.stratum) != nil {
				return
			}
		}
		tr.finish()
		look(t, &FS{tree: tr})
	})
}

// look asks a tree everything.
func look(t *testing.T, f *FS) {
	id := f.Identity("65532")
	err := f.Walk(func(e *Entry) error {
		if e.Path != "/" && filepath.Clean(e.Path) != e.Path || e.Layer < -1 {
			t.Fatalf("entry %+v", e)
		}
		if found, ok := f.Entry(e.Path); !ok || found != e {
			t.Fatalf("%q cannot be found again", e.Path)
		}
		if d, ok := f.Deleted(e.Path); ok {
			t.Fatalf("%q is there and deleted: %+v", e.Path, d)
		}
		f.Access(e.Path, id, Read_|Exec)
		if data, err := f.ReadFile(e.Path[1:]); err == nil && int64(len(data)) != e.Size && e.Mode.IsRegular() {
			t.Fatalf("%q has %d bytes of %d", e.Path, len(data), e.Size)
		}
		if e.Mode.IsDir() && fs.ValidPath(e.Path[1:]) {
			if _, err := f.ReadDir(e.Path[1:]); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f.CARoots(nil, id)
	f.LocalTime(nil)
	f.Zone("Europe/Paris", []string{"ZONEINFO=/a.zip"}, "/")
	f.TempDir(nil, id)
	f.Shell("/a")
	(&Image{FS: f, Config: Config{Entrypoint: []string{"/a"}}}).Process(id)
}

// FuzzInPlace reads a hostile uncompressed layer by seeking and compares with reading it as a stream.
func FuzzInPlace(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0}, 1024))
	f.Add(tarOf(f, "a", "b"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if compressionOf(raw) != plain {
			return
		}
		blob := &fileBlob{size: int64(len(raw))}
		var files facts // without the goroutine of readInPlace, which fuzzing takes for new behaviour
		err := files.listInPlace(context.Background(), blob, io.NewSectionReader(bytes.NewReader(raw), 0, blob.size), newBudget(), newOrigin())
		streamed, streamErr := readStream(context.Background(), memoryBlob(raw), -1, newBudget(), newOrigin())
		if (err == nil) != (streamErr == nil) {
			t.Fatalf("in place: %v, as a stream: %v", err, streamErr)
		}
		if err != nil {
			return
		}
		if files.entries != streamed.entries || len(files.items) != len(streamed.items) {
			t.Fatalf("in place %d entries, as a stream %d", files.entries, streamed.entries)
		}
		for i := range files.items {
			a, b := files.items[i], streamed.items[i]
			if a.entry.NotGo = b.entry.NotGo; a.entry != b.entry {
				t.Fatalf("in place %+v, as a stream %+v", a.entry, b.entry)
			}
			if at, ok := innerOf(a.content).(*placed); ok && !bytes.Equal(raw[at.offset:at.offset+a.entry.Size], contents(t, b)) {
				t.Fatalf("%s: other bytes in place", a.entry.Path)
			}
		}
	})
}

func contents(t *testing.T, it *item) []byte {
	r, err := it.content.open(it.entry.Size)
	if err != nil {
		return nil
	}
	defer r.Close()
	b, err := io.ReadAll(io.NewSectionReader(r, 0, it.entry.Size))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzManifest parses hostile manifests, indexes and layouts.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{"digest":"sha256:aa"},"layers":[{}]}`))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"platform":{"os":"linux"}}]}`))
	f.Add([]byte(`[{"Config":"a","RepoTags":["b"],"Layers":["c"]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if doc, err := parseDocument(data); err == nil {
			if doc.isList() == (doc.Config != nil) {
				t.Fatal("both a list and an image")
			}
			_, _ = choose(doc.Manifests, "")
			_, _ = choose(doc.Manifests, "linux/arm64")
		}
		_, _ = findInLayout(context.Background(), layoutStore{"/nonexistent"}, data, "", "")
	})
}

// FuzzConfig parses hostile configurations.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"os":"linux","rootfs":{"type":"layers","diff_ids":[]},"history":[{"empty_layer":true}]}`), 0)
	f.Fuzz(func(t *testing.T, data []byte, layers int) {
		c, err := parseConfig(data, layers)
		if err != nil {
			return
		}
		c.runtime()
		steps, of := c.steps()
		if len(of) != layers {
			t.Fatalf("%d layers, %d steps", layers, len(of))
		}
		for i, s := range of {
			if s >= 0 && steps[s].Layer != i {
				t.Fatalf("layer %d and step %d disagree", i, s)
			}
		}
	})
}
