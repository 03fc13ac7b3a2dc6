package layers_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// counted is a registry on loopback that notes what is fetched from it.
type counted struct {
	host string

	mu     sync.Mutex
	asked  []string // "manifests/v1", "blobs/sha256:..."
	broken bool     // blobs are not found
}

func serveCounted(t testing.TB) *counted {
	c := &counted{}
	h := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		_, what, _ := strings.Cut(r.URL.Path, "/app/")
		if r.Method == http.MethodGet && what != "" {
			c.asked = append(c.asked, what)
		}
		broken := c.broken && strings.HasPrefix(what, "blobs/")
		c.mu.Unlock()
		if broken {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c.host = strings.TrimPrefix(s.URL, "http://")
	return c
}

// fetched returns what was fetched since the last call.
func (c *counted) fetched() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

func openCache(t testing.TB, dir string) *cache.Store {
	t.Helper()
	s, err := cache.Open(dir)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// layered is an image with every kind of entry and with contents in memory, in packs and in pages.
func layered() imagetest.Image {
	return imagetest.Image{
		Config: layers.Config{Entrypoint: []string{"/app"}},
		Layers: [][]layers.File{
			{
				{Path: "etc/", Mode: fs.ModeDir | 0o755}, {Path: "etc/passwd", Data: []byte("root:x:0:0::/root:/bin/sh\n")},
				{Path: "bin/sh", Link: "busybox"}, {Path: "bin/busybox", Mode: fs.ModeSetuid | 0o4755, Data: []byte("\x7fELF" + strings.Repeat("busybox", 30_000)), Caps: true},
				{Path: "bin/ash", Hardlink: "bin/busybox"}, {Path: "etc/gone", Data: []byte("gone")}, {Path: "opt/old/x", Data: []byte("x")},
				{Path: "dev/null", Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}, {Path: "start", Mode: 0o755, Data: []byte("#!/bin/sh\nexec /app\n")},
				{Path: "root/.aws/credentials", Data: []byte("[default]\naws_access_key_id = AKIAQWERTYUIOPASDFGH\naws_secret_access_key = " + strings.Repeat("aB3/", 10) + "\n")},
			},
			{
				{Path: "etc/.wh.gone"}, {Path: "opt/old/.wh..wh..opq"}, {Path: "opt/old/y", Data: []byte("y"), UID: 65532, GID: 65532},
				{Path: "app", Mode: 0o755, Data: []byte(bigFile)}, {Path: "empty"}, {Path: "root/.wh..aws"},
			},
		},
		Packing: map[int]imagetest.Packing{1: imagetest.Zstd},
	}
}

// bigFile is a file of many pages.
var bigFile = func() string {
	var b strings.Builder
	for i := 0; b.Len() < 300_000; i++ {
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), 1000))
	}
	return b.String()
}()

// everything is what there is to know of an image.
func everything(t testing.TB, img *layers.Image) string {
	t.Helper()
	if len(img.Unread) > 0 {
		t.Fatalf("unread: %+v", img.Unread)
	}
	var entries []layers.Entry
	check(t, img.FS.Walk(func(e *layers.Entry) error { entries = append(entries, *e); return nil }))
	text, err := json.MarshalIndent(struct {
		Image                *layers.Image
		Entries              []layers.Entry
		Deleted, Overwritten []layers.Deletion
		Secrets              []layers.Secret
	}{img, entries, img.FS.Deletions(), img.FS.Overwritten(), img.FS.Secrets()}, "", " ")
	check(t, err)
	return string(text)
}

// use reads contents as an audit does: settings, a script, the heads of programs, a part of a big file.
func use(t testing.TB, img *layers.Image) string {
	t.Helper()
	out := ""
	for _, name := range []string{"etc/passwd", "start", "empty", "opt/old/y"} {
		data, err := img.FS.ReadFile(name)
		check(t, err)
		out += string(data)
	}
	for _, at := range []struct {
		name string
		off  int64
		n    int
	}{{"bin/ash", 0, 64}, {"app", 5000, 10_000}, {"app", 299_990, 100}, {"bin/busybox", 100_000, 1}} {
		data, err := readAt(img.FS, at.name, at.off, at.n)
		check(t, err)
		out += string(data)
	}
	return out
}

func readAt(fsys *layers.FS, name string, off int64, n int) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, n)
	m, err := f.(io.ReaderAt).ReadAt(b, off)
	if err == io.EOF {
		err = nil
	}
	return b[:m], err
}

// TestWarm reads an image from a registry twice: the second time by asking what the tag names alone, with the same result.
func TestWarm(t *testing.T) {
	c := serveCounted(t)
	ref := c.host + "/app:v1"
	imagetest.Push(t, ref, layered().Build(t))
	plain, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{})
	check(t, err)
	store := openCache(t, t.TempDir())
	var all, used []string
	for round := range 3 {
		c.fetched()
		cached := 0
		img, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: store, Progress: func(p layers.Progress) {
			if p.Cached && p.Done {
				cached++
			}
		}})
		check(t, err)
		all = append(all, everything(t, img))
		used = append(used, use(t, img))
		img.Remember()
		if errs := img.ReadErrors(); errs != nil {
			t.Errorf("round %d: %+v", round, errs)
		}
		if asked := c.fetched(); round > 0 && !slices.Equal(asked, []string{"manifests/v1"}) || cached != map[int]int{0: 0, 1: 2, 2: 2}[round] {
			t.Errorf("round %d: fetched %v, %d layers cached", round, asked, cached)
		}
	}
	if want := everything(t, plain); all[0] != want || all[1] != want || all[2] != want {
		t.Errorf("without a cache\n%s\ncold\n%s\nwarm\n%s", want, all[0], all[1])
	}
	if want := use(t, plain); used[0] != want || used[1] != want || used[2] != want {
		t.Error("other contents")
	}
	if err := store.Err(); err != nil {
		t.Error(err)
	}
}

// TestNewTopLayer changes the uppermost layer: only that is fetched, for the files of the others, too.
func TestNewTopLayer(t *testing.T) {
	c := serveCounted(t)
	ref := c.host + "/app:v1"
	store := openCache(t, t.TempDir())
	img := layered()
	read := func() *layers.Image {
		imagetest.Push(t, ref, img.Build(t))
		c.fetched()
		got, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: store})
		check(t, err)
		use(t, got)
		got.Remember()
		return got
	}
	read()
	img.Layers[1] = append(img.Layers[1], layers.File{Path: "new", Data: []byte("new")})
	got := read()
	want := "blobs/" + got.Layers[1].Digest
	for i, asked := range c.fetched() {
		if i >= 2 && asked != want { // after the manifest
			t.Errorf("fetched %v, want %s", asked, want)
		}
	}
	if _, ok := got.FS.Entry("/new"); !ok {
		t.Error("the new layer was not read")
	}
}

// TestPageFallback asks for bytes that no earlier audit has asked for.
func TestPageFallback(t *testing.T) {
	c := serveCounted(t)
	ref := c.host + "/app:v1"
	imagetest.Push(t, ref, layered().Build(t))
	dir := t.TempDir()
	read := func() *layers.Image {
		t.Helper()
		img, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: openCache(t, dir)})
		check(t, err)
		c.fetched()
		return img
	}
	img := read()
	use(t, img)
	img.Remember()

	for round := range 2 { // the layer is fetched again, and then never more
		img = read()
		data, err := readAt(img.FS, "app", 200_000, 9000)
		check(t, err)
		if string(data) != bigFile[200_000:209_000] {
			t.Error("other bytes")
		}
		data, err = readAt(img.FS, "app", 100_000, 1)
		check(t, err)
		if string(data) != bigFile[100_000:100_001] {
			t.Error("another byte")
		}
		img.Remember()
		if asked := c.fetched(); (len(asked) > 0) != (round == 0) || slices.Contains(asked, "blobs/"+img.Layers[0].Digest) {
			t.Errorf("round %d: fetched %v", round, asked)
		}
	}

	c.mu.Lock()
	c.broken = true
	c.mu.Unlock()
	img, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{})
	if err == nil {
		t.Fatalf("read an image whose config is gone: %+v", img)
	}
	read() // but the cache has it
}

// TestBlobGone reads contents that neither the cache nor, by then, the registry has: an error that is not forgotten.
func TestBlobGone(t *testing.T) {
	c := serveCounted(t)
	ref := c.host + "/app:v1"
	imagetest.Push(t, ref, layered().Build(t))
	store := openCache(t, t.TempDir())
	_, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: store})
	check(t, err)
	img, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: store})
	check(t, err)
	c.mu.Lock()
	c.broken = true
	c.mu.Unlock()
	if data, err := img.FS.ReadFile("etc/passwd"); err != nil || len(data) == 0 {
		t.Errorf("a setting: %q, %v", data, err)
	}
	for range 2 {
		if data, err := img.FS.ReadFile("app"); !errors.Is(err, layers.ErrNotFound) {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	}
	errs := img.ReadErrors()
	if len(errs) != 1 || errs[0].What != "contents of layer 1" || !errors.Is(errs[0].Err, layers.ErrNotFound) {
		t.Errorf("read errors: %+v", errs)
	}
}

// TestDamagedCache damages every file of a cache in turn, all at once, and sees the image read from its source again.
func TestDamagedCache(t *testing.T) {
	c := serveCounted(t)
	ref := c.host + "/app:v1"
	imagetest.Push(t, ref, layered().Build(t))
	dir := t.TempDir()
	read := func() string {
		t.Helper()
		img, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: openCache(t, dir)})
		check(t, err)
		text := everything(t, img) + use(t, img)
		img.Remember()
		if errs := img.ReadErrors(); errs != nil {
			t.Error(errs)
		}
		return text
	}
	files := func() (list []string) {
		check(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				list = append(list, name)
			}
			return err
		}))
		return list
	}
	want := read()
	all := files()
	if len(all) < 6 {
		t.Fatalf("only %d files in the cache", len(all))
	}
	damage := func(name string, how int) {
		data, err := os.ReadFile(name)
		check(t, err)
		switch how {
		case 0:
			data = data[:len(data)/2]
		case 1:
			data = nil
		case 2:
			data[len(data)-1] ^= 1
		}
		check(t, os.WriteFile(name, data, 0o600))
	}
	for how := range 3 {
		for _, name := range all {
			damage(name, how)
			if got := read(); got != want {
				t.Errorf("%s damaged (%d): another image", name, how)
			}
			if _, err := os.Stat(name); err != nil && !strings.Contains(name, "/contents/") { // pages may stand in for a pack
				t.Errorf("%s was not rebuilt: %v", name, err)
			}
		}
		for _, name := range all {
			damage(name, how)
		}
		if got := read(); got != want {
			t.Errorf("all damaged (%d): another image", how)
		}
		c.fetched()
		if read(); len(c.fetched()) != 1 {
			t.Errorf("damage %d was not mended", how)
		}
	}
}

// TestOriginAndOpenOnce holds that hard links and copies of a layer have one origin, and that what is opened once is
// not remembered.
func TestOriginAndOpenOnce(t *testing.T) {
	c := serveCounted(t)
	ref := c.host + "/app:v1"
	imagetest.Push(t, ref, layered().Build(t))
	store := openCache(t, t.TempDir())
	img, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: store})
	check(t, err)
	sh := img.FS.Origin("/bin/busybox")
	if sh == "" || sh != img.FS.Origin("/bin/ash") || sh == img.FS.Origin("/app") || img.FS.Origin("/bin/sh") != "" || img.FS.Origin("/etc") != "" || img.FS.Origin("/nope") != "" {
		t.Errorf("origins: %q, %q, %q", sh, img.FS.Origin("/bin/ash"), img.FS.Origin("/app"))
	}
	f, err := img.FS.OpenOnce("app")
	check(t, err)
	data, err := io.ReadAll(f)
	check(t, err)
	check(t, f.Close())
	if string(data) != bigFile {
		t.Error("other bytes")
	}
	img.Remember()
	usage, err := store.Stats()
	check(t, err)
	for _, u := range usage {
		if u.Kind == "pages" {
			t.Errorf("remembered: %+v", u)
		}
	}
	warm, err := layers.Read(t.Context(), layers.Registry, ref, layers.Options{Cache: store})
	check(t, err)
	if warm.FS.Origin("/bin/ash") != sh {
		t.Error("another origin when it comes from the cache")
	}
}
