package layers_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// app is an image with every packing, a whiteout, links, a file too big to be kept and an ELF.
func app() imagetest.Image {
	return imagetest.Image{
		Config: layers.Config{User: "65532", Env: []string{"PATH=/bin", "TZ=UTC"}, Entrypoint: []string{"/bin/app"}, Cmd: []string{"-v"},
			WorkingDir: "/srv", StopSignal: "SIGINT", ExposedPorts: []string{"443/tcp", "80/tcp"}, Volumes: []string{"/data"},
			Labels: map[string]string{"a": "b"}, Shell: []string{"/bin/sh", "-c"}, Healthcheck: []string{"CMD", "/bin/app"},
			Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		Layers: [][]layers.File{
			{{Path: "etc/"}, file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"), file("gone", "1"), file("big", strings.Repeat("0123456789abcdef", 50_000))},
			{{Path: "bin/app", Mode: 0o755, Data: []byte("\x7fELF" + strings.Repeat("z", 300_000))}, {Path: ".wh.gone"}, link("sh", "bin/app")},
			{{Path: "bin/again", Hardlink: "bin/app"}, {Path: "setuid", Mode: 0o755 | fs.ModeSetuid, UID: 5, GID: 6, Caps: true, Data: []byte("s")}},
		},
		History: []layers.Step{{CreatedBy: "base"}, {CreatedBy: "ENV", Empty: true}, {CreatedBy: "COPY app"}, {CreatedBy: "RUN ln"}},
		Packing: map[int]imagetest.Packing{0: imagetest.Gzip, 1: imagetest.Zstd, 2: imagetest.Plain},
	}
}

// everywhere writes an image to every kind of source and returns what to read.
func everywhere(t testing.TB, img imagetest.Image) map[layers.Kind][]string {
	t.Helper()
	built := img.Build(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	imagetest.WriteLayout(t, at("layout"), "1.0", built)
	imagetest.WriteOCIArchive(t, at("oci.tar"), "1.0", built)
	imagetest.WriteDockerArchive(t, at("docker.tar"), []string{"example.test/app:1.0"}, built)
	imagetest.WriteOldDockerArchive(t, at("old.tar"), []string{"example.test/app:1.0"}, built)
	host := imagetest.Serve(t)
	imagetest.Push(t, host+"/app:1.0", built)
	digest, err := built.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return map[layers.Kind][]string{
		layers.OCILayout:     {at("layout"), at("layout") + ":1.0", at("layout") + "@" + digest.String()},
		layers.OCIArchive:    {at("oci.tar"), at("oci.tar") + ":1.0", at("docker.tar"), at("oci.tar") + "@" + digest.String()},
		layers.DockerArchive: {at("docker.tar"), at("docker.tar") + ":1.0", at("docker.tar") + ":example.test/app:1.0", at("old.tar")},
		layers.Registry:      {host + "/app:1.0", host + "/app@" + digest.String()},
	}
}

func TestEverySourceGivesTheSameImage(t *testing.T) {
	img := app()
	want := ""
	for kind, names := range everywhere(t, img) {
		for _, name := range names {
			got, err := layers.Read(context.Background(), kind, name, layers.Options{})
			if err != nil {
				t.Errorf("%s:%s: %v", kind, name, err)
				continue
			}
			if got.FS == nil || got.Unread != nil {
				t.Errorf("%s:%s: unread %v", kind, name, got.Unread)
				continue
			}
			if list := listing(t, got.FS); want == "" {
				want = list
			} else if list != want {
				t.Errorf("%s:%s: tree\n%.2000s\nwant\n%.2000s", kind, name, list, want)
			}
			if !reflect.DeepEqual(got.Config, img.Config) {
				t.Errorf("%s:%s: config %+v", kind, name, got.Config)
			}
			if got.Platform.String() != "linux/amd64" || got.Ref != name || got.Source != string(kind) {
				t.Errorf("%s:%s: %v %s %s", kind, name, got.Platform, got.Ref, got.Source)
			}
			checkLayers(t, got)
		}
	}
	if direct := listing(t, tree(t, img.Layers...)); direct != want {
		t.Errorf("New gives another tree\n%.2000s", direct)
	}
}

func checkLayers(t *testing.T, img *layers.Image) {
	t.Helper()
	if len(img.Layers) != 3 || len(img.History) != 4 || img.History[1].Layer != -1 || img.History[3].Layer != 2 {
		t.Fatalf("layers %+v history %+v", img.Layers, img.History)
	}
	for i, l := range img.Layers {
		if l.Index != i || !strings.HasPrefix(l.Digest, "sha256:") || !strings.HasPrefix(l.DiffID, "sha256:") ||
			l.Size == 0 || l.TarSize == 0 || l.Entries != []int{4, 3, 2}[i] || l.MediaType == "" {
			t.Errorf("layer %+v", l)
		}
		if l.Step != []int{0, 2, 3}[i] || l.CreatedBy != []string{"base", "COPY app", "RUN ln"}[i] {
			t.Errorf("layer %d made by %d %q", i, l.Step, l.CreatedBy)
		}
	}
	e, ok := img.FS.Entry("/setuid")
	if !ok || e.Mode != 0o755|fs.ModeSetuid || e.UID != 5 || e.GID != 6 || !e.Caps {
		t.Errorf("setuid: %+v", e)
	}
	if e, _ := img.FS.Entry("/bin/again"); e == nil || !e.ELF || e.Layer != 2 {
		t.Errorf("hard link: %+v", e)
	}
}

func TestDetect(t *testing.T) {
	for kind, names := range everywhere(t, app()) {
		if kind == layers.Registry {
			continue
		}
		got, err := layers.Detect(names[0])
		if err != nil || got != kind {
			t.Errorf("Detect(%s) = %s, %v, want %s", names[0], got, err, kind)
		}
	}
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, path := range []string{dir, write("empty", ""), write("text", strings.Repeat("text ", 500)), write("app.tar.gz", "\x1f\x8b\x08\x00more")} {
		if kind, err := layers.Detect(path); !errors.Is(err, layers.ErrNotImage) {
			t.Errorf("Detect(%s) = %s, %v, want ErrNotImage", path, kind, err)
		}
	}
	if _, err := layers.Detect(filepath.Join(dir, "nothing")); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("Detect of nothing: %v", err)
	}
}
