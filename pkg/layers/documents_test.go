package layers_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// TestOfflineFromCache reads an image by its digest without asking anybody: all of it is in the cache, or it says what
// is missing there.
func TestOfflineFromCache(t *testing.T) {
	c := serveCounted(t)
	imagetest.Push(t, c.host+"/app:v1", layered().Build(t))
	dir := t.TempDir()
	read := func(ref string, offline bool) (*layers.Image, error) {
		return layers.Read(context.Background(), layers.Registry, ref, layers.Options{Cache: openCache(t, dir), Offline: offline})
	}
	online, err := read(c.host+"/app:v1", false)
	check(t, err)
	want := everything(t, online) + use(t, online)
	online.Remember()
	c.fetched()
	pinned := c.host + "/app@" + online.Digest

	img, err := read(pinned, true)
	check(t, err)
	img.Ref = online.Ref
	got := everything(t, img) + use(t, img)
	if errs := img.ReadErrors(); got != want || len(errs) > 0 || len(img.Unread) > 0 {
		t.Errorf("offline: %v, %v\n%s\nonline\n%s", img.Unread, errs, got, want)
	}
	_, err = read(c.host+"/app:v1", true)
	wantError(t, err, "needs the network, which --offline forbids (only an image named by digest, HOST/NAME@sha256:..., can be had from the cache)")
	other := "sha256:" + strings.Repeat("5", 64)
	_, err = read(c.host+"/app@"+other, true)
	wantError(t, err, "manifest "+other+": not in the cache, and asking "+c.host+": it needs the network, which --offline forbids")

	check(t, os.RemoveAll(filepath.Join(dir, "layers")))
	img, err = read(pinned, true)
	check(t, err)
	if img.FS != nil || len(img.Unread) != 2 || !errors.Is(img.Unread[0].Err, layers.ErrOffline) || !strings.Contains(img.Unread[0].Because, "reading layer 0 of "+pinned+": not in the cache") {
		t.Errorf("without its layers: %+v", img.Unread)
	}
	for _, kind := range []string{"pages", "contents"} {
		_, err = read(c.host+"/app:v1", false) // brings the layers back
		check(t, err)
		check(t, os.RemoveAll(filepath.Join(dir, kind)))
	}
	c.fetched()
	img, err = read(pinned, true)
	check(t, err)
	if _, err := img.FS.ReadFile("app"); !errors.Is(err, layers.ErrOffline) || len(img.ReadErrors()) != 1 {
		t.Errorf("contents that the cache has not: %v, %+v", err, img.ReadErrors())
	}
	if asked := c.fetched(); len(asked) > 0 {
		t.Errorf("offline: fetched %v", asked)
	}

	check(t, os.RemoveAll(filepath.Join(dir, "documents")))
	img, err = read(c.host+"/app:v1", false)
	check(t, err)
	if asked := c.fetched(); img.Digest != online.Digest || !slices.Contains(asked, "manifests/v1") || len(asked) != 2 {
		t.Errorf("without documents: fetched %v", asked)
	}
}
