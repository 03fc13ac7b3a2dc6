package layers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// builtOn adds a layer to a base and names the base as builders do.
func builtOn(t *testing.T, base v1.Image, name, digest string) v1.Image {
	t.Helper()
	app, err := imagetest.Image{Layers: [][]layers.File{{{Path: "app", Data: []byte("app")}}}}.Build(t).Layers()
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(base, app...)
	if err != nil {
		t.Fatal(err)
	}
	return mutate.Annotations(img, map[string]string{
		"org.opencontainers.image.base.name": name, "org.opencontainers.image.base.digest": digest,
	}).(v1.Image)
}

func digestOf(t *testing.T, what interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := what.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

// TestBase: the layers of the base that an image names are told from its own, where the base can be had from the same
// registry, and nobody else is asked.
func TestBase(t *testing.T) {
	base := imagetest.Image{Layers: [][]layers.File{{{Path: "etc/os-release", Data: []byte("ID=base")}}, {{Path: "bin/sh", Data: []byte("sh")}}}}.Build(t)
	moved := imagetest.Image{Layers: [][]layers.File{{{Path: "etc/os-release", Data: []byte("ID=newer")}}}}.Build(t)
	index := imagetest.Index(t, base)
	host := imagetest.Serve(t)
	imagetest.Push(t, host+"/base:1", base)
	imagetest.Push(t, host+"/base:index", index)
	imagetest.Push(t, host+"/base:moved", moved)
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); http.NotFound(w, r) }))
	defer other.Close()
	strange := "sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct {
		name, base, digest string
		layers             int
	}{
		{"by digest", host + "/base:1", digestOf(t, base), 2},
		{"by an index's digest", host + "/base:index", digestOf(t, index), 2},
		{"by name, the digest being the builder's own", host + "/base:1", strange, 2},
		{"by a name that moved", host + "/base:moved", strange, 0},
		{"not there", host + "/nosuch:1", strange, 0},
		{"on another registry", strings.TrimPrefix(other.URL, "http://") + "/base:1", digestOf(t, base), 0},
		{"no name at all", "", digestOf(t, base), 0},
		{"a digest that is none", host + "/base:1", "sha256:zz", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			imagetest.Push(t, host+"/app:1", builtOn(t, base, test.base, test.digest))
			img, err := layers.Read(context.Background(), layers.Registry, host+"/app:1", layers.Options{})
			if err != nil || img.FS == nil {
				t.Fatal(err)
			}
			if img.Base == nil || img.Base.Layers != test.layers || img.Base.Name != test.base {
				t.Errorf("base %+v, want %d layers", img.Base, test.layers)
			}
			for i, l := range img.Layers {
				if l.Base != (i < test.layers) {
					t.Errorf("layer %d: base %t", i, l.Base)
				}
			}
		})
	}
	if asked.Load() != 0 {
		t.Errorf("another registry was asked %d times", asked.Load())
	}
}

// TestBaseIsRemembered: the second audit does not ask for the base again.
func TestBaseIsRemembered(t *testing.T) {
	base := imagetest.Image{Layers: [][]layers.File{{{Path: "etc/os-release", Data: []byte("ID=base")}}}}.Build(t)
	var asked atomic.Int64
	server := httptest.NewServer(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v2/base/") {
				asked.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}(registry.New()))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	imagetest.Push(t, host+"/base:1", base)
	imagetest.Push(t, host+"/app:1", builtOn(t, base, host+"/base:1", digestOf(t, base)))
	store, err := cache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	asked.Store(0)
	for round, want := range []int64{2, 2} { // manifest and config, then nothing more
		img, err := layers.Read(context.Background(), layers.Registry, host+"/app:1", layers.Options{Cache: store})
		if err != nil || img.Base.Layers != 1 {
			t.Fatal(err, img)
		}
		if asked.Load() != want {
			t.Errorf("round %d: %d requests for the base, want %d", round, asked.Load(), want)
		}
	}
}
