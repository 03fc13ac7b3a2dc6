package prove

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

func TestVolumes(t *testing.T) {
	archive, bundle := filepath.Join(t.TempDir(), "image.tar"), t.TempDir()
	image := imagetest.Image{
		Config: layers.Config{Volumes: []string{"/app", "/data", "/new/one", "/var/run", "/way/out"}},
		Layers: [][]layers.File{{
			{Path: "app", Data: []byte("no directory")},
			{Path: "data/", Mode: fs.ModeDir | 0o700, UID: 65532},
			{Path: "run/", Mode: fs.ModeDir | 0o755},
			{Path: "var/run", Link: "/run"},
			{Path: "way", Link: "../../../../.."},
		}},
	}
	imagetest.WriteOCIArchive(t, archive, "", image.Build(t))
	img, err := layers.Read(t.Context(), layers.OCIArchive, archive, layers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := volumes(img, bundle)
	if err != nil {
		t.Fatal(err)
	}
	got := map[any]any{}
	for _, m := range mounts {
		got[m["destination"]] = m["source"]
	}
	want := map[any]any{
		"/data":    filepath.Join(bundle, "rootfs/data"),
		"/new/one": filepath.Join(bundle, "volume-2"),
		"/var/run": filepath.Join(bundle, "rootfs/run"),
		"/way/out": filepath.Join(bundle, "volume-4"),
	}
	for place, source := range want {
		if got[place] != source {
			t.Errorf("%s is mounted from %v, want %s", place, got[place], source)
		}
	}
	if len(got) != len(want) {
		t.Errorf("mounted are %v", got)
	}
	for _, made := range []string{"volume-2", "volume-4"} {
		if info, err := os.Stat(filepath.Join(bundle, made)); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", made, info, err)
		}
	}
}
