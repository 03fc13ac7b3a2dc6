package layers_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

func TestLayerFSShowsWhatLaterLayersHide(t *testing.T) {
	img := app()
	img.Layers = append(img.Layers, []layers.File{{Path: ".wh.setuid"}, file("etc/passwd", "new")})
	img.History = nil
	dir := filepath.Join(t.TempDir(), "app")
	imagetest.WriteLayout(t, dir, "", img.Build(t))
	got, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{})
	check(t, err)
	if _, ok := got.FS.Entry("/setuid"); ok {
		t.Error("a deleted file is in the merged tree")
	}
	for path, in := range map[string]int{"setuid": 2, "gone": 0, "etc/passwd": 0} {
		one, err := got.LayerFS(in)
		check(t, err)
		if _, err := one.ReadFile(path); err != nil {
			t.Errorf("layer %d: %v", in, err)
		}
	}
	one, err := got.LayerFS(2)
	check(t, err)
	if got := listing(t, one); got != "/ drwxr-xr-x -1\n/bin drwxr-xr-x -1\n/setuid urwxr-xr-x 2 \"s\"\n" {
		t.Errorf("layer 2 alone:\n%s", got)
	}
	for _, index := range []int{-1, 4} {
		if _, err := got.LayerFS(index); err == nil {
			t.Errorf("layer %d exists", index)
		}
	}
}

func TestReadableLayersOfABrokenImage(t *testing.T) {
	d := doctor(t, small())
	check(t, os.Remove(d.blob(1)))
	img, err := d.read()
	check(t, err)
	one, err := img.LayerFS(0)
	check(t, err)
	if _, ok := one.Entry("/app"); !ok {
		t.Error("no /app in layer 0")
	}
	if _, err := img.LayerFS(1); err == nil || err.Error() != "layer 1 was not read" {
		t.Errorf("layer 1: %v", err)
	}
}

func TestMissingSources(t *testing.T) {
	dir := t.TempDir()
	for kind, name := range map[layers.Kind]string{
		layers.OCILayout: dir, layers.OCIArchive: filepath.Join(dir, "no.tar:1"), layers.DockerArchive: filepath.Join(dir, "no.tar"),
	} {
		if _, err := layers.Read(context.Background(), kind, name, layers.Options{}); !errors.Is(err, layers.ErrNotFound) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := layers.Read(context.Background(), "rootfs", "app", layers.Options{}); err == nil || !strings.HasSuffix(err.Error(), `unknown kind of source "rootfs"`) {
		t.Error("an unknown kind is read")
	}
}

func TestSparseFiles(t *testing.T) {
	gnu, err := exec.LookPath("tar")
	if err != nil {
		t.Skip("no tar: cannot make a sparse archive")
	}
	dir := t.TempDir()
	write := func(name string, size int64) []byte {
		f, err := os.Create(filepath.Join(dir, name))
		check(t, err)
		_, err = f.WriteAt([]byte("end"), size-3)
		check(t, err)
		check(t, f.Close())
		return append(make([]byte, size-3), "end"...)
	}
	want := write("small", 60<<10)
	write("large", 8<<20)
	check(t, os.WriteFile(filepath.Join(dir, "zz"), []byte("after"), 0o644))
	for _, format := range []string{"--format=gnu", "--format=posix"} {
		raw, err := exec.Command(gnu, "-C", dir, "-S", format, "-cf", "-", "small", "large", "zz").Output()
		if err != nil || len(raw) > 1<<20 {
			t.Skipf("this tar makes no sparse archive: %v", err)
		}
		for _, packing := range []imagetest.Packing{imagetest.Plain, imagetest.Gzip} {
			img := imagetest.Image{Layers: [][]layers.File{nil}, Raw: map[int][]byte{0: raw}, Packing: map[int]imagetest.Packing{0: packing}}
			layout := filepath.Join(t.TempDir(), "app")
			imagetest.WriteLayout(t, layout, "", img.Build(t))
			got, err := layers.Read(context.Background(), layers.OCILayout, layout, layers.Options{})
			check(t, err)
			if got.FS == nil {
				t.Fatalf("%s: %+v", format, got.Unread)
			}
			if data, err := got.FS.ReadFile("small"); err != nil || !bytes.Equal(data, want) {
				t.Errorf("%s packing %d: small: %d bytes, %v", format, packing, len(data), err)
			}
			if e, _ := got.FS.Entry("/large"); e.Size != 8<<20 {
				t.Errorf("%s packing %d: large has %d bytes", format, packing, e.Size)
			}
			if data, err := got.FS.ReadFile("large"); err == nil || !strings.Contains(err.Error(), "sparse") {
				t.Errorf("%s packing %d: large: %d bytes, %v", format, packing, len(data), err)
			}
			if data, err := got.FS.ReadFile("zz"); string(data) != "after" {
				t.Errorf("%s packing %d: zz: %q, %v", format, packing, data, err)
			}
		}
	}
}

func TestSpecialFilesHaveNoBytes(t *testing.T) {
	f := tree(t, []layers.File{{Path: "dev/tty", Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666, UID: 3}, {Path: "d/"}})
	o, err := f.Open("dev/tty")
	check(t, err)
	defer o.Close()
	if n, err := o.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("reading a device: %d, %v", n, err)
	}
	info, err := o.Stat()
	check(t, err)
	if e, ok := info.Sys().(*layers.Entry); !ok || e.Path != "/dev/tty" || e.UID != 3 || info.Name() != "tty" {
		t.Errorf("Sys: %+v", info.Sys())
	}
	for _, name := range []string{"dev/tty", "d"} {
		if _, err := f.ReadFile(name); err == nil {
			t.Errorf("ReadFile(%s) succeeds", name)
		}
	}
	if _, err := f.ReadDir("dev/tty"); err == nil {
		t.Error("a device is listed")
	}
	if _, err := f.Open("../etc"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("an invalid name: %v", err)
	}
}
