package layers_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// exports exports an image and reads it back; what stands beside the file afterwards is left behind.
func exports(t *testing.T, kind layers.Kind, name string, opt layers.Options) (digest string, img *layers.Image, file string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "image.tar")
	digest, err := layers.Export(t.Context(), kind, name, opt, file)
	if err != nil {
		t.Fatalf("%s:%s: %v", kind, name, err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("%s:%s: left behind %v, %v", kind, name, list, err)
	}
	img, err = layers.Read(t.Context(), layers.OCIArchive, file, layers.Options{})
	if err != nil || img.FS == nil {
		t.Fatalf("%s:%s: reading what was exported: %v %v", kind, name, err, img)
	}
	if img.Digest != digest {
		t.Errorf("%s:%s: digest %s, said %s", kind, name, img.Digest, digest)
	}
	return digest, img, file
}

// TestExportOfEverySource: from wherever it comes, what is exported is the same image, and has the same digest where the
// source has a manifest.
func TestExportOfEverySource(t *testing.T) {
	home := noSettings(t)
	img := app()
	all := everywhere(t, img)
	digest, err := img.Build(t).Digest()
	check(t, err)
	want := listing(t, tree(t, img.Layers...))
	stays := map[layers.Kind]bool{layers.Registry: true, layers.OCILayout: true, layers.OCIArchive: true}
	type source struct {
		kind  layers.Kind
		name  string
		opt   layers.Options
		stays bool
	}
	var sources []source
	for kind, names := range all {
		for _, name := range names {
			sources = append(sources, source{kind, name, layers.Options{}, stays[kind] && !strings.Contains(name, "docker.tar")})
		}
	}
	for _, name := range []string{all[layers.OCIArchive][0], all[layers.DockerArchive][0], all[layers.DockerArchive][3]} {
		data, err := os.ReadFile(name)
		check(t, err)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = z.Write(data)
		check(t, err)
		check(t, z.Close())
		gz := filepath.Join(home, filepath.Base(name)+".gz")
		write(t, gz, packed.String())
		oci := filepath.Base(name) == "oci.tar"
		sources = append(sources,
			source{layers.Stream, "-", layers.Options{Stream: bytes.NewReader(data)}, oci},
			source{layers.Stream, "-", layers.Options{Stream: &packed}, oci},
			source{layers.DockerArchive, gz, layers.Options{}, oci},
			source{layers.DockerArchive, gz + ":1.0", layers.Options{}, oci})
	}
	for kind, variable := range map[layers.Kind]string{layers.Docker: "DOCKER_HOST", layers.Podman: "CONTAINER_HOST"} {
		socket := filepath.Join(home, string(kind))
		t.Setenv(variable, "unix://"+socket)
		serveEngine(t, socket, serveFile(all[layers.DockerArchive][3]))
		sources = append(sources, source{kind, "app:1", layers.Options{Offline: true}, false})
	}
	for _, s := range sources {
		t.Run(string(s.kind)+" "+filepath.Base(s.name), func(t *testing.T) {
			got, back, _ := exports(t, s.kind, s.name, s.opt)
			if s.stays != (got == digest.String()) && !strings.Contains(s.name, "docker.tar") { // whose layout has the manifest too
				t.Errorf("digest %s of %s", got, digest)
			}
			if list := listing(t, back.FS); list != want {
				t.Errorf("tree\n%.2000s\nwant\n%.2000s", list, want)
			}
			if !reflect.DeepEqual(back.Config, img.Config) {
				t.Errorf("config %+v", back.Config)
			}
			for i, l := range back.Layers {
				if !s.stays && l.Digest != l.DiffID && s.kind != layers.OCIArchive {
					t.Errorf("layer %d is not a plain tar: %+v", i, l)
				}
			}
		})
	}
}

// TestExportChooses: of an index the image for one platform; Docker's media types are kept.
func TestExportChooses(t *testing.T) {
	noSettings(t)
	amd, arm := forPlatform(t, "linux/amd64"), forPlatform(t, "linux/arm64")
	host := imagetest.Serve(t)
	imagetest.Push(t, host+"/app:1", imagetest.Index(t, amd, arm))
	want, err := arm.Digest()
	check(t, err)
	got, img, _ := exports(t, layers.Registry, host+"/app:1", layers.Options{Platform: "linux/arm64"})
	if got != want.String() || img.Platform.Architecture != "arm64" {
		t.Errorf("%s for %s, want %s", got, img.Platform, want)
	}
	_, err = layers.Export(t.Context(), layers.Registry, host+"/app:1", layers.Options{Platform: layers.AllPlatforms}, filepath.Join(t.TempDir(), "x"))
	wantError(t, err, "several images")
	_, err = layers.Export(t.Context(), layers.Registry, host+"/app:1", layers.Options{Platform: "linux/s390x"}, filepath.Join(t.TempDir(), "x"))
	if !errors.Is(err, layers.ErrPlatform) {
		t.Errorf("another platform: %v", err)
	}
	raw := imagetest.Tar(t, []layers.File{file("docker", "1")})
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
	check(t, err)
	docker, err := mutate.AppendLayers(empty.Image, layer)
	check(t, err)
	config, err := docker.ConfigFile()
	check(t, err)
	docker, err = mutate.ConfigFile(docker, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: config.RootFS})
	check(t, err)
	imagetest.Push(t, host+"/docker:1", docker)
	if want, err = docker.Digest(); err != nil {
		t.Fatal(err)
	}
	got, _, file := exports(t, layers.Registry, host+"/docker:1", layers.Options{})
	if got != want.String() {
		t.Errorf("%s, want %s", got, want)
	}
	accepted(t, file, got)
}

// TestExportIsAccepted holds what is exported to what other programs make of it.
func TestExportIsAccepted(t *testing.T) {
	noSettings(t)
	for _, name := range everywhere(t, app())[layers.DockerArchive][2:] {
		digest, _, file := exports(t, layers.DockerArchive, name, layers.Options{})
		accepted(t, file, digest)
	}
}

// accepted has skopeo read an archive, which holds every blob against its digest.
func accepted(t *testing.T, file, digest string) {
	t.Helper()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo is not installed")
	}
	out, err := exec.Command(skopeo, "inspect", "oci-archive:"+file).CombinedOutput()
	if err != nil {
		t.Fatalf("skopeo inspect: %v\n%s", err, out)
	}
	var said struct{ Digest string }
	check(t, json.Unmarshal(out, &said))
	if said.Digest != digest {
		t.Errorf("skopeo says %s, want %s", said.Digest, digest)
	}
	if out, err := exec.Command(skopeo, "--insecure-policy", "copy", "--quiet", "oci-archive:"+file, "dir:"+t.TempDir()).CombinedOutput(); err != nil {
		t.Errorf("skopeo copy: %v\n%s", err, out)
	}
}

// TestExportOfPackedLayers: a docker-archive whose layers are packed, as other programs than docker write it.
func TestExportOfPackedLayers(t *testing.T) {
	img := app()
	old := filepath.Join(t.TempDir(), "old.tar")
	imagetest.WriteOldDockerArchive(t, old, []string{"app:1"}, img.Build(t))
	packed := rewrite(t, old, func(name string, data []byte) []byte {
		if !strings.HasSuffix(name, "/layer.tar") {
			return data
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write(data)
		check(t, err)
		check(t, z.Close())
		return b.Bytes()
	})
	plain, _, _ := exports(t, layers.DockerArchive, old, layers.Options{})
	if got, _, _ := exports(t, layers.DockerArchive, packed, layers.Options{}); got != plain {
		t.Errorf("packed %s, plain %s", got, plain)
	}
}

// rewrite changes the members of an archive; nil takes one away.
func rewrite(t *testing.T, file string, change func(name string, data []byte) []byte) string {
	t.Helper()
	in, err := os.Open(file)
	check(t, err)
	defer in.Close()
	name := filepath.Join(t.TempDir(), "changed.tar")
	out, err := os.Create(name)
	check(t, err)
	defer out.Close()
	w := tar.NewWriter(out)
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		check(t, err)
		data, err := io.ReadAll(r)
		check(t, err)
		if data = change(h.Name, data); data == nil {
			continue
		}
		h.Size = int64(len(data))
		check(t, w.WriteHeader(h))
		_, err = w.Write(data)
		check(t, err)
	}
	check(t, w.Close())
	return name
}

// TestExportRefuses: blobs that are not what they should be; nothing is written then.
func TestExportRefuses(t *testing.T) {
	noSettings(t)
	dir := t.TempDir()
	oci, old := filepath.Join(dir, "oci.tar"), filepath.Join(dir, "old.tar")
	built := app().Build(t)
	imagetest.WriteOCIArchive(t, oci, "", built)
	imagetest.WriteOldDockerArchive(t, old, []string{""}, built)
	all, err := built.Layers()
	check(t, err)
	first, err := all[0].Digest()
	check(t, err)
	change := func(do func([]byte) []byte) func(string, []byte) []byte {
		return func(name string, data []byte) []byte {
			if strings.HasSuffix(name, first.Hex) || strings.HasSuffix(name, "/layer.tar") {
				return do(data)
			}
			return data
		}
	}
	flip := change(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	for _, c := range []struct {
		name string
		kind layers.Kind
		file string
		want string
	}{
		{"a blob with another byte", layers.OCIArchive, rewrite(t, oci, flip), "layer 0: digest does not match"},
		{"a blob that ends early", layers.OCIArchive, rewrite(t, oci, change(func(b []byte) []byte { return b[:len(b)-1] })), "layer 0: unexpected EOF"},
		{"a blob that goes on", layers.OCIArchive, rewrite(t, oci, change(func(b []byte) []byte { return append(b, 0) })), "layer 0: more than the promised"},
		{"a blob that is not there", layers.OCIArchive, rewrite(t, oci, change(func([]byte) []byte { return nil })), "layer 0: not found"},
		{"a layer with another byte", layers.DockerArchive, rewrite(t, old, flip), "layer 0: digest does not match"},
		{"no archive", layers.OCIArchive, "exportimage_test.go", "not an image"},
		{"nothing", layers.OCIArchive, filepath.Join(dir, "none.tar"), "not found"},
	} {
		into := filepath.Join(t.TempDir(), "image.tar")
		_, err := layers.Export(t.Context(), c.kind, c.file, layers.Options{}, into)
		if err == nil || !strings.Contains(err.Error(), c.want) && !strings.Contains(err.Error(), "invalid tar header") || !strings.HasPrefix(err.Error(), "exporting ") {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if list, _ := os.ReadDir(filepath.Dir(into)); len(list) > 0 {
			t.Errorf("%s: left behind %v", c.name, list)
		}
	}
	_, err = layers.Export(t.Context(), layers.Stream, "-", layers.Options{}, filepath.Join(t.TempDir(), "x"))
	wantError(t, err, "exporting -: no stream was given")
}

// TestExportEndsWithItsContext even when a stream hangs, and leaves nothing.
func TestExportEndsWithItsContext(t *testing.T) {
	hangs, never := io.Pipe()
	defer never.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = never.Write(make([]byte, 64<<10))
		cancel()
	}()
	dir := t.TempDir()
	_, err := layers.Export(ctx, layers.Stream, "-", layers.Options{Stream: hangs}, filepath.Join(dir, "image.tar"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Errorf("left behind %v", list)
	}
}
