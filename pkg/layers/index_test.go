package layers

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// innerOf is where contents are outside the cache.
func innerOf(c content) content {
	if r, ok := c.(*remembered); ok {
		return r.inner
	}
	return c
}

// TestIndexHasEverything gives every field of an entry a value of its own and sees that none is lost on the way through
// an index: a field that is added to Entry, item or stratum must be added to the index too.
func TestIndexHasEverything(t *testing.T) {
	o := newOrigin()
	var x index
	x.tarSize, x.entries = 123456789, 7
	for n := range 4 {
		it := item{}
		fill(t, reflect.ValueOf(&it.entry).Elem(), n)
		it.entry.Layer = 0 // the merge sets it
		switch n {
		case 0:
			it.entry.Mode, it.entry.Link = fs.ModeSetuid|0o4755, ""
			it.content = &remembered{from: o, offset: 512, pack: 3, at: 77}
			it.secrets = &[]sighting{{Shape: "private key", Offset: 7}, {Shape: "token", Offset: 1 << 32}}
		case 1:
			it.entry.Mode, it.entry.Link = 0o600, ""
			it.content = &remembered{from: o, offset: 1 << 33, sparse: true}
		case 2:
			it.entry.Size, it.entry.Link, it.entry.Mode = 0, "", 0o644
			it.hardlink = "/some/where"
		case 3:
			it.entry.Size, it.entry.Mode = 0, fs.ModeSymlink|0o777
		}
		x.stratum.items = append(x.stratum.items, &it)
	}
	x.stratum.items = append(x.stratum.items, &item{entry: Entry{Path: "/shared", Mode: 0o644, Extra: x.stratum.items[3].entry.Extra}, content: held(nil)})
	x.stratum.items = append(x.stratum.items, &item{entry: Entry{Path: "/empty", Mode: 0o644}, content: held(nil)})
	x.stratum.items = append(x.stratum.items, &item{entry: Entry{Path: "/" + strings.Repeat("p", maxPath), Mode: fs.ModeDir | 0o1777, UID: -1, GID: 1 << 40}})
	x.stratum.whiteouts, x.stratum.opaque = []string{"/a/b", "/a/bc"}, []string{"/a", "/z"}
	for i := range reflect.TypeFor[stratum]().NumField() {
		if reflect.ValueOf(x.stratum).Field(i).IsZero() {
			t.Errorf("stratum.%s is not part of this test", reflect.TypeFor[stratum]().Field(i).Name)
		}
	}
	for i := range reflect.TypeFor[item]().NumField() {
		isZero := func(it *item) bool { return reflect.ValueOf(*it).Field(i).IsZero() }
		if !slices.ContainsFunc(x.stratum.items, func(it *item) bool { return !isZero(it) }) {
			t.Errorf("item.%s is not part of this test", reflect.TypeFor[item]().Field(i).Name)
		}
	}
	got, err := decodeIndex(x.encode(), o)
	if err != nil {
		t.Fatal(err)
	}
	if items := got.stratum.items; items[3].entry.Extra != items[4].entry.Extra {
		t.Error("what entries share is there twice")
	}
	if !reflect.DeepEqual(*got, x) {
		t.Errorf("got\n%+v\nwant\n%+v", *got, x)
	}
}

// fill sets every field of a struct to something that is not zero and differs with n.
func fill(t *testing.T, v reflect.Value, n int) {
	t.Helper()
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString(fmt.Sprintf("/%s/%d", v.Type().Field(i).Name, n))
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(1000*(n+1) + i))
		case reflect.Uint32:
			f.SetUint(uint64(n + 1))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			fill(t, f.Elem(), n)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), n+1, n+1))
			for j := range n + 1 {
				fill(t, f.Index(j), n+j)
			}
		default:
			t.Fatalf("%s is of a kind this test does not know", v.Type().Field(i).Name)
		}
	}
}

// TestIndexOfRealLayer reads a layer with every kind of entry, and sees the same from its index as from its bytes.
func TestIndexOfRealLayer(t *testing.T) {
	raw := tarOf(t, "a/b", "a/c", "z")
	f, err := readStream(context.Background(), memoryBlob(raw), -1, newBudget(), newOrigin())
	if err != nil {
		t.Fatal(err)
	}
	x := index{stratum: f.stratum, tarSize: f.tarSize, entries: f.entries}
	got, err := decodeIndex(x.encode(), newOrigin())
	if err != nil {
		t.Fatal(err)
	}
	for i, it := range got.stratum.items {
		want := f.items[i]
		if !reflect.DeepEqual(it.entry, want.entry) || it.hardlink != want.hardlink {
			t.Errorf("got %+v, want %+v", it, want)
		}
		c, ok := it.content.(*remembered)
		if !ok {
			continue
		}
		if at := raw[c.offset:]; !bytes.HasPrefix(at, contents(t, want)) {
			t.Errorf("%s is not at %d", it.entry.Path, c.offset)
		}
	}
}

// oneBlock makes an index of one block.
func oneBlock(raw []byte) []byte {
	squeezed := compress(raw)
	return append(binary.AppendUvarint(nil, uint64(len(squeezed))), squeezed...)
}

// TestLargeIndex takes an index of many blocks there and back, and one that is beyond the bound not at all.
func TestLargeIndex(t *testing.T) {
	var x index
	for i := range 100_000 {
		it := &item{entry: Entry{Path: fmt.Sprintf("/usr/share/%d/%x", i/100, i*i), Mode: 0o644, UID: i % 3}}
		it.content = held(nil)
		x.stratum.items = append(x.stratum.items, it)
		x.stratum.whiteouts = append(x.stratum.whiteouts, it.entry.Path)
	}
	data := x.encode()
	got, err := decodeIndex(data, newOrigin())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*got, x) {
		t.Error("another index")
	}
	for _, n := range []int{1, len(data) / 2, len(data) - 1} {
		if _, err := decodeIndex(data[:n], newOrigin()); err == nil {
			t.Errorf("cut at %d it is taken", n)
		}
	}
	t.Logf("%d bytes", len(data))
	x.stratum.items = make([]*item, maxMemory/entryCost+1)
	for i := range x.stratum.items {
		x.stratum.items[i] = got.stratum.items[0]
	}
	if data := x.encode(); data != nil {
		t.Errorf("%d items are kept in %d bytes", len(x.stratum.items), len(data))
	}
}

func TestHostileIndex(t *testing.T) {
	number := func(list ...uint64) (out []byte) {
		for _, n := range list {
			out = binary.AppendUvarint(out, n)
		}
		return out
	}
	for name, raw := range map[string][]byte{
		"empty":             {},
		"many items":        number(0, 0, 0, maxEntries, 0, 0),
		"many whiteouts":    number(0, 0, 0, 0, maxEntries, 0),
		"much text":         number(1<<62, 0, 0, 0, 0, 0),
		"text for nothing":  number(maxMemory, 0, 0, 0, 0, 0),
		"more text":         append(number(1, 0, 0, 0, 1, 0), number(0, 2, 'a', 'b')...),
		"the same as none":  append(number(1, 0, 1, 1, 0, 0), number(flagExtra, 0, 1, '/', 0o644, 0)...),
		"endless xattrs":    append(number(1, 0, 1, 1, 0, 0), number(flagExtra, 0, 1, '/', 0o644, 1, 0, 0, maxXattrs, 0, 0)...),
		"a shared nothing":  append(number(9, 0, 0, 0, 1, 0), number(1, 1, 'a')...),
		"something behind":  append(number(0, 0, 0, 0, 0, 0), 0),
		"contents of a dir": append(number(1, 0, 1, 1, 0, 0), number(flagContent, 0, 1, '/', uint64(fs.ModeDir), 1, 0, 0)...),
		"a negative offset": append(number(1, 0, 1, 1, 0, 0), number(flagContent, 0, 1, '/', 0, 1, 1, 0)...),
	} {
		if x, err := decodeIndex(oneBlock(raw), newOrigin()); err == nil {
			t.Errorf("%s: taken: %+v", name, x)
		}
	}
	bomb := compress(make([]byte, maxPages*(pageSize+16)))
	if _, err := decodeIndex(append(binary.AppendUvarint(nil, uint64(len(bomb))), bomb...), newOrigin()); err == nil {
		t.Error("a bomb is taken")
	}
	if _, err := decodePages(bomb, 1<<30); err == nil {
		t.Error("a bomb is taken for pages")
	}
}

func FuzzIndex(f *testing.F) {
	for _, names := range [][]string{{}, {"a"}, {"a/b", "a/c", "z"}} {
		layer, err := readStream(context.Background(), memoryBlob(tarOf(f, names...)), -1, newBudget(), newOrigin())
		if err != nil {
			f.Fatal(err)
		}
		x := index{stratum: layer.stratum, tarSize: layer.tarSize, entries: layer.entries}
		d := decoder{blocks: x.encode()}
		d.block()
		f.Add(d.rest)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		x, err := decodeIndex(oneBlock(raw), newOrigin())
		if err != nil {
			return
		}
		again, err := decodeIndex(x.encode(), newOrigin())
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if len(again.stratum.items) != len(x.stratum.items) {
			t.Fatalf("%d items, then %d", len(x.stratum.items), len(again.stratum.items))
		}
		for i := range x.stratum.items {
			if a, b := x.stratum.items[i], again.stratum.items[i]; !reflect.DeepEqual(a.entry, b.entry) || a.hardlink != b.hardlink {
				t.Fatalf("%+v, then %+v", a, b)
			}
		}
	})
}

func FuzzPages(f *testing.F) {
	p := pages{size: 10_000, known: map[int64][]byte{0: make([]byte, pageSize), 2: make([]byte, 10_000-2*pageSize)}}
	raw, err := expand(p.encode(), 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, int64(10_000))
	f.Fuzz(func(t *testing.T, raw []byte, size int64) {
		if size < 0 || size > maxImageSize {
			return
		}
		known, err := decodePages(compress(raw), size)
		if err != nil {
			return
		}
		p := pages{memo: &memo{}, size: size, known: known}
		for i, page := range known {
			if got := make([]byte, len(page)); !p.read(got, i*pageSize) || !bytes.Equal(got, page) {
				t.Fatalf("page %d is not what it was", i)
			}
		}
	})
}

// BenchmarkIndex encodes and decodes the index of a directory with many files: IMGAUDIT_BENCH_DIR, or the Go tree.
func BenchmarkIndex(b *testing.B) {
	dir := os.Getenv("IMGAUDIT_BENCH_DIR")
	if dir == "" {
		b.Skip("IMGAUDIT_BENCH_DIR is not set")
	}
	var x index
	o := newOrigin()
	offset := int64(0)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		it := item{entry: Entry{Path: p, Mode: info.Mode()}}
		offset += tarBlock
		if info.Mode().IsRegular() {
			it.entry.Size = info.Size()
			it.content = &remembered{from: o, offset: offset}
			offset += (info.Size() + tarBlock - 1) / tarBlock * tarBlock
		}
		x.stratum.items = append(x.stratum.items, &it)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	data := x.encode()
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			x.encode()
		}
		b.ReportMetric(float64(len(x.stratum.items)), "entries")
		b.ReportMetric(float64(len(data)), "bytes")
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := decodeIndex(data, o); err != nil {
				b.Fatal(err)
			}
		}
	})
}
