package layers_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// TestWarmOnDisk reads layouts and archives twice, and sees every later change of them.
func TestWarmOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	img := layered()
	img.Packing[0] = imagetest.Plain
	built := img.Build(t)
	imagetest.WriteLayout(t, at("layout"), "v1", built)
	imagetest.WriteOCIArchive(t, at("oci.tar"), "v1", built)
	imagetest.WriteDockerArchive(t, at("docker.tar"), []string{"app:v1"}, built)
	imagetest.WriteOldDockerArchive(t, at("old.tar"), []string{"app:v1"}, built)
	time.Sleep(2100 * time.Millisecond) // a file must have been left alone for the cache to remember its digest

	for name, kind := range map[string]layers.Kind{"layout": layers.OCILayout, "oci.tar": layers.OCIArchive, "docker.tar": layers.DockerArchive, "old.tar": layers.DockerArchive} {
		store := openCache(t, at("cache-"+name))
		plain, err := layers.Read(t.Context(), kind, at(name), layers.Options{})
		check(t, err)
		want := everything(t, plain) + use(t, plain)
		for round := range 3 {
			cached, read := 0, int64(0)
			got, err := layers.Read(t.Context(), kind, at(name), layers.Options{Cache: store, Progress: func(p layers.Progress) {
				if p.Cached {
					cached++
					read += p.Read
				}
			}})
			check(t, err)
			if text := everything(t, got) + use(t, got); text != want {
				t.Errorf("%s, round %d: got\n%s\nwant\n%s", name, round, text, want)
			}
			got.Remember()
			if wantCached := map[int]int{0: 0, 1: 2, 2: 2}[round]; cached != wantCached || read != 0 && round == 2 {
				t.Errorf("%s, round %d: %d layers cached, %d bytes read", name, round, cached, read)
			}
		}
		changeInPlace(t, at(name))
		got, err := layers.Read(t.Context(), kind, at(name), layers.Options{Cache: store})
		if err != nil {
			continue // a document was hit
		}
		if len(got.Unread) == 0 || !errors.Is(got.Unread[0].Err, layers.ErrDigest) {
			t.Errorf("%s: a changed layer is taken for the old one: %+v", name, got.Unread)
		}
	}
}

// changeInPlace changes a byte of the big file's layer and restores the size and the time of modification.
func changeInPlace(t *testing.T, name string) {
	t.Helper()
	var file string
	check(t, filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 200_000 {
			file = p
		}
		return err
	}))
	info, err := os.Stat(file)
	check(t, err)
	data, err := os.ReadFile(file)
	check(t, err)
	i := bytes.Index(data, []byte("busyboxbusybox"))
	if i < 0 {
		t.Fatalf("%s does not hold the layer", file)
	}
	data[i] = 'B'
	check(t, os.WriteFile(file, data, 0o644))
	check(t, os.Chtimes(file, info.ModTime(), info.ModTime()))
}

// TestLyingLayerIsNotCached holds that a layer which is not what was promised leaves nothing behind.
func TestLyingLayerIsNotCached(t *testing.T) {
	d := doctor(t, small())
	ids := d.config["rootfs"].(map[string]any)["diff_ids"].([]any)
	ids[0], ids[1] = ids[1], ids[0]
	store := openCache(t, t.TempDir())
	img, err := d.read()
	check(t, err)
	img, err = layers.Read(context.Background(), layers.OCILayout, img.Ref, layers.Options{Cache: store})
	check(t, err)
	if len(img.Unread) != 2 {
		t.Errorf("unread: %+v", img.Unread)
	}
	if usage, err := store.Stats(); err != nil || len(usage) != 0 {
		t.Errorf("kept: %+v, %v", usage, err)
	}
}
