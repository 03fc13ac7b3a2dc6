package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// tarOf is a tar of files of 1000 bytes each.
func tarOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 1000, Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// packed is the same, compressed.
func packed(t testing.TB, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(tarOf(t, names...)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// memoryBlob is a blob for tests.
type memoryBlob []byte

func (b memoryBlob) open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b)), nil
}

func TestLimitsOfALayer(t *testing.T) {
	raw := packed(t, "a", "b", "c")
	for _, c := range []struct {
		name  string
		limit func(*budget)
		want  string
	}{
		{"at both bounds", func(b *budget) { b.entries = 3; b.unpacked.Store(6 * 1024) }, ""},
		{"entries", func(b *budget) { b.entries = 2 }, "layer: more than the limit of 2 entries"},
		{"bytes", func(b *budget) { b.unpacked.Store(2000) }, "uncompressed layers: more than the limit of 34359738368 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := newBudget()
			c.limit(left)
			_, err := readStream(context.Background(), memoryBlob(raw), -1, left, newOrigin())
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestZstdWindowIsBounded(t *testing.T) {
	// A frame that asks for a window of 2 GiB: magic, descriptor without a single segment, window descriptor.
	frame := binary.LittleEndian.AppendUint32(nil, 0xfd2fb528)
	frame = append(frame, 0x00, 0xa8, 0x01, 0x00, 0x00)
	_, err := readStream(context.Background(), memoryBlob(frame), -1, newBudget(), newOrigin())
	if err == nil || !strings.Contains(err.Error(), "window size exceeded") {
		t.Errorf("got %v", err)
	}
}

func TestFilesBeyondTheBudgetAreReadAgain(t *testing.T) {
	raw := packed(t, "a", "b", "c")
	left := newBudget()
	left.small.Store(1500) // one of three
	f, err := readStream(context.Background(), memoryBlob(raw), -1, left, newOrigin())
	if err != nil {
		t.Fatal(err)
	}
	tr := newTree()
	if err := tr.lay(0, &f.stratum); err != nil {
		t.Fatal(err)
	}
	fsys := &FS{tree: tr}
	for _, name := range []string{"c", "b", "a", "b"} {
		data, err := fsys.ReadFile(name)
		if err != nil || len(data) != 1000 || strings.Trim(string(data), "x") != "" {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	if _, ok := innerOf(tr.find("/a").content).(held); !ok {
		t.Error("the first file was not kept")
	}
	again, ok := innerOf(tr.find("/c").content).(*replayed)
	if !ok {
		t.Fatal("the last file was kept beyond the budget")
	}
	again.again.blob = memoryBlob(packed(t, "a", "b", "c")[:60])
	again.again.tape = nil
	if data, err := fsys.ReadFile("c"); err == nil {
		t.Errorf("a cut off layer still gives %d bytes", len(data))
	}
	again.sum++
	again.again.blob = memoryBlob(raw)
	if _, err := fsys.ReadFile("c"); err == nil || !strings.Contains(err.Error(), "the layer changed since it was read") {
		t.Errorf("other bytes than before: %v", err)
	}
}

func TestDocumentsAreBounded(t *testing.T) {
	if data, err := readAll(strings.NewReader("12345"), 5, "config"); err != nil || len(data) != 5 {
		t.Errorf("at the bound: %d bytes, %v", len(data), err)
	}
	if _, err := readAll(strings.NewReader("123456"), 5, "config"); err == nil || err.Error() != "config: more than the limit of 5 bytes" {
		t.Errorf("beyond the bound: %v", err)
	}
	many := `{"schemaVersion":2,"config":{"digest":"sha256:` + strings.Repeat("a", 64) + `"},"layers":[` +
		strings.Repeat(`{"digest":"sha256:`+strings.Repeat("b", 64)+`"},`, maxLayers) + `{}]}`
	if _, err := parseDocument([]byte(many)); err == nil || err.Error() != "manifest: more than the limit of 1000 layers" {
		t.Errorf("layers: %v", err)
	}
}

func TestReadInPlaceNoticesAChangedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "layer.tar")
	raw := tarOf(t, "a")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	blob, err := (&layoutBlob{path}).onDisk()
	if err != nil {
		t.Fatal(err)
	}
	f, err := readInPlace(context.Background(), blob, newBudget(), newOrigin())
	if err != nil {
		t.Fatal(err)
	}
	tr := newTree()
	if err := tr.lay(0, &f.stratum); err != nil {
		t.Fatal(err)
	}
	fsys := &FS{tree: tr}
	if data, err := fsys.ReadFile("a"); err != nil || len(data) != 1000 {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	if err := os.WriteFile(path, append(raw, 0), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := fsys.ReadFile("a"); !errors.Is(err, errChanged) {
		t.Errorf("after a change: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := fsys.Open("a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after removal: %v", err)
	}
}
