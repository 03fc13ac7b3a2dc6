package layers_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// forPlatform is an image whose only file names its platform.
func forPlatform(t testing.TB, platform string) v1.Image {
	t.Helper()
	parts := append(strings.Split(platform, "/"), "")
	img := imagetest.Image{Platform: layers.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]},
		Layers: [][]layers.File{{file("platform", platform)}}}
	return img.Build(t)
}

func TestPlatformOfAnIndex(t *testing.T) {
	for _, c := range []struct {
		has, wish, want string // want of an error begins with "!"
	}{
		{"linux/arm64/v8 linux/amd64", "", "linux/amd64"},
		{"linux/arm64/v8 linux/amd64", "linux/arm64", "linux/arm64/v8"},
		{"linux/arm64 linux/amd64", "linux/arm64/v8", "linux/arm64"},
		{"linux/arm64 linux/amd64", "linux/aarch64", "linux/arm64"},
		{"linux/arm/v6 linux/arm/v7", "linux/arm", "linux/arm/v7"},
		{"linux/arm/v6 linux/arm/v5", "linux/arm", "linux/arm/v6"},
		{"linux/arm/v6 linux/arm/v7", "linux/arm/v6", "linux/arm/v6"},
		{"linux/arm64", "", "linux/arm64"},
		{"linux/s390x windows/amd64", "", "linux/s390x"},
		{"linux/arm64 linux/s390x", "", "!no such platform: linux/amd64 or only one for linux, there is linux/arm64, linux/s390x"},
		{"linux/arm64 linux/amd64", "linux/riscv64", "!no such platform: linux/riscv64, there is linux/arm64, linux/amd64"},
		{"linux/amd64 linux/arm64", "linux", "!platform \"linux\": want os/arch[/variant]"},
	} {
		t.Run(c.has+" wanted "+c.wish, func(t *testing.T) {
			var images []v1.Image
			for _, p := range strings.Fields(c.has) {
				images = append(images, forPlatform(t, p))
			}
			index := imagetest.Index(t, images...)
			dir := filepath.Join(t.TempDir(), "app")
			imagetest.WriteLayout(t, dir, "1", index)
			flat := filepath.Join(t.TempDir(), "app")
			for _, img := range images { // images for several platforms directly in index.json
				imagetest.WriteLayout(t, flat, "", img)
			}
			host := imagetest.Serve(t)
			imagetest.Push(t, host+"/app:1", index)
			for kind, name := range map[layers.Kind]string{layers.OCILayout: dir, layers.Registry: host + "/app:1"} {
				img, err := layers.Read(context.Background(), kind, name, layers.Options{Platform: c.wish})
				switch want, bad := strings.CutPrefix(c.want, "!"); {
				case bad && (err == nil || !strings.HasSuffix(err.Error(), want)):
					t.Errorf("%s: %v, want %s", kind, err, want)
				case bad && strings.Contains(want, "no such") && !errors.Is(err, layers.ErrPlatform):
					t.Errorf("%s: %v is no ErrPlatform", kind, err)
				case !bad && err != nil:
					t.Errorf("%s: %v", kind, err)
				case !bad:
					if data, _ := img.FS.ReadFile("platform"); string(data) != want || img.Platform.String() != want {
						t.Errorf("%s: got %s, %s", kind, data, img.Platform)
					}
				}
			}
		})
	}
}

func TestPlatformOfASingleImage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "app")
	imagetest.WriteLayout(t, dir, "", forPlatform(t, "linux/arm64"))
	if _, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{}); err != nil {
		t.Errorf("without a wish: %v", err)
	}
	_, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{Platform: "linux/amd64"})
	if !errors.Is(err, layers.ErrPlatform) || !strings.HasSuffix(err.Error(), "linux/amd64, the image is for linux/arm64") {
		t.Errorf("got %v", err)
	}
}

func TestAttestationsAreNoImages(t *testing.T) {
	d := doctor(t, small())
	image := d.put(manifestType, d.manifest)
	image["platform"] = map[string]any{"os": "linux", "architecture": "amd64"}
	attested := d.put(manifestType, map[string]any{"schemaVersion": 2, "config": d.manifest["config"], "layers": []any{}})
	attested["annotations"] = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	attested["platform"] = map[string]any{"os": "linux", "architecture": "amd64"}
	index := map[string]any{"schemaVersion": 2, "manifests": []any{attested, image}}
	nested := map[string]any{"schemaVersion": 2, "manifests": []any{d.put(indexType, index)}}
	d.list(d.put(indexType, nested))
	img, err := layers.Read(context.Background(), layers.OCILayout, d.dir, layers.Options{})
	check(t, err)
	if img.Digest != image["digest"] || img.FS == nil {
		t.Errorf("got %s, want %s", img.Digest, image["digest"])
	}
}

func TestSeveralImagesNeedAName(t *testing.T) {
	dir := t.TempDir()
	layout := filepath.Join(dir, "app")
	imagetest.WriteLayout(t, layout, "one", forPlatform(t, "linux/amd64"))
	imagetest.WriteLayout(t, layout, "two", small().Build(t))
	_, err := layers.Read(context.Background(), layers.OCILayout, layout, layers.Options{})
	if err == nil || !strings.HasSuffix(err.Error(), "several images: name one of one, two") {
		t.Errorf("no name: %v", err)
	}
	_, err = layers.Read(context.Background(), layers.OCILayout, layout+":three", layers.Options{})
	if !errors.Is(err, layers.ErrNotFound) || !strings.HasSuffix(err.Error(), "not found: three, there is one, two") {
		t.Errorf("another name: %v", err)
	}
	archive := filepath.Join(dir, "app.tar")
	imagetest.WriteOldDockerArchive(t, archive, []string{"example.test/one:1", "example.test/two:2"}, forPlatform(t, "linux/amd64"), small().Build(t))
	for name, want := range map[string]string{archive + ":2": "/app", archive + ":example.test/two:2": "/app", archive + ":1": "/platform"} {
		img, err := layers.Read(context.Background(), layers.DockerArchive, name, layers.Options{})
		check(t, err)
		if _, ok := img.FS.Entry(want); !ok {
			t.Errorf("%s: no %s", name, want)
		}
	}
	_, err = layers.Read(context.Background(), layers.DockerArchive, archive, layers.Options{})
	if err == nil || !strings.HasSuffix(err.Error(), "several images: name one of example.test/one:1, example.test/two:2") {
		t.Errorf("no name for an archive: %v", err)
	}
	_, err = layers.Read(context.Background(), layers.DockerArchive, archive+":3", layers.Options{})
	if !errors.Is(err, layers.ErrNotFound) || !strings.HasSuffix(err.Error(), "not found: 3, there is example.test/one:1, example.test/two:2") {
		t.Errorf("no such tag: %v", err)
	}
}

// TestTheOtherArchive: a prefix that does not fit says what the archive is.
func TestTheOtherArchive(t *testing.T) {
	dir := t.TempDir()
	imagetest.WriteOCIArchive(t, filepath.Join(dir, "oci.tar"), "", small().Build(t))
	imagetest.WriteOldDockerArchive(t, filepath.Join(dir, "old.tar"), []string{""}, small().Build(t))
	for want, c := range map[string]struct {
		kind layers.Kind
		name string
	}{
		"reading oci.tar: not found: manifest.json; this is an oci-archive": {layers.DockerArchive, "oci.tar"},
		"reading old.tar: not found: index.json; this is a docker-archive":  {layers.OCIArchive, "old.tar"},
	} {
		_, err := layers.Read(context.Background(), c.kind, filepath.Join(dir, c.name), layers.Options{})
		if !errors.Is(err, layers.ErrNotFound) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestBaseLayers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "app")
	imagetest.WriteLayout(t, dir, "", small().Build(t))
	var calls int
	img, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{Progress: func(p layers.Progress) {
		if p.Phase != layers.PhaseLayer || !p.Done {
			return
		}
		if calls++; p.Total != 2 || p.Layer.TarSize == 0 || p.Read != p.Layer.Size || p.Cached || p.Err != nil || p.Took <= 0 {
			t.Errorf("progress %+v", p)
		}
	}})
	check(t, err)
	img, err = layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{BaseDiffIDs: []string{img.Layers[0].DiffID, "sha256:other"}})
	check(t, err)
	if !img.Layers[0].Base || img.Layers[1].Base || calls != 2 {
		t.Errorf("base %v %v, %d calls", img.Layers[0].Base, img.Layers[1].Base, calls)
	}
}

// TestAllPlatforms: every image of an index, once each, nested ones too; attestations are none, and one that cannot be
// read hides no other.
func TestAllPlatforms(t *testing.T) {
	dir := t.TempDir()
	arm := forPlatform(t, "linux/arm64")
	nested := imagetest.Index(t, forPlatform(t, "linux/amd64"), arm, arm)
	imagetest.WriteLayout(t, filepath.Join(dir, "layout"), "1", nested)
	imagetest.WriteOCIArchive(t, filepath.Join(dir, "oci.tar"), "1", nested)
	host := imagetest.Serve(t)
	imagetest.Push(t, host+"/app:1", nested)
	stream, err := os.Open(filepath.Join(dir, "oci.tar"))
	check(t, err)
	defer stream.Close()
	for kind, name := range map[layers.Kind]string{layers.OCILayout: filepath.Join(dir, "layout"), layers.OCIArchive: filepath.Join(dir, "oci.tar"),
		layers.Registry: host + "/app:1", layers.Stream: "-"} {
		got := ""
		for img, err := range layers.Images(context.Background(), kind, name, layers.Options{Platform: layers.AllPlatforms, Stream: stream}) {
			check(t, err)
			data, err := img.FS.ReadFile("platform")
			check(t, err)
			got += string(data) + " " + img.Platform.String() + " " + img.Ref + "\n"
		}
		if want := "linux/amd64 linux/amd64 " + name + "\nlinux/arm64 linux/arm64 " + name + "\n"; got != want {
			t.Errorf("%s: got\n%swant\n%s", kind, got, want)
		}
	}
	_, err = layers.Read(context.Background(), layers.OCILayout, filepath.Join(dir, "layout"), layers.Options{Platform: layers.AllPlatforms})
	if err == nil || !strings.HasSuffix(err.Error(), "several images: the index has 2, for several platforms") {
		t.Errorf("one of all: %v", err)
	}
}

func TestAllPlatformsOfAFaultyIndex(t *testing.T) {
	d := doctor(t, small())
	platform := func(desc map[string]any, arch string) map[string]any {
		desc["platform"] = map[string]any{"os": "linux", "architecture": arch}
		return desc
	}
	image := platform(d.put(manifestType, d.manifest), "amd64")
	attested := platform(d.put(manifestType, map[string]any{"schemaVersion": 2, "config": d.manifest["config"], "layers": []any{}}), "unknown")
	attested["annotations"] = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	chart := platform(d.put(manifestType, map[string]any{"schemaVersion": 2, "config": d.put("application/chart", map[string]any{}), "layers": []any{}}), "s390x")
	missing := platform(map[string]any{"mediaType": manifestType, "digest": "sha256:" + strings.Repeat("a", 64), "size": 1}, "riscv64")
	read := func(manifests ...any) (got string) {
		inner := d.put(indexType, map[string]any{"schemaVersion": 2, "manifests": manifests})
		d.list(d.put(indexType, map[string]any{"schemaVersion": 2, "manifests": []any{inner}}))
		for img, err := range layers.Images(context.Background(), layers.OCILayout, d.dir, layers.Options{Platform: layers.AllPlatforms}) {
			if err != nil {
				got += err.Error() + "\n"
				continue
			}
			got += img.Platform.String() + "\n"
		}
		return got
	}
	got := read(chart, attested, image, missing, image)
	for i, want := range []string{"reading app: image for linux/s390x: manifest ", "linux/amd64", "reading app: image for linux/riscv64: manifest "} {
		if lines := strings.Split(got, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("got\n%swant %s", got, want)
		}
	}
	if got := read(attested); got != "reading app: no such platform: the index lists no image\n" {
		t.Errorf("attestations only: %s", got)
	}
	var many []any
	for i := range 33 {
		many = append(many, platform(d.put(manifestType, map[string]any{"schemaVersion": 2, "config": d.manifest["config"], "layers": d.manifest["layers"], "annotations": map[string]string{"i": strings.Repeat("i", i)}}), "amd64"))
	}
	if got := read(many[:32]...); got != strings.Repeat("linux/amd64\n", 32) {
		t.Errorf("at the limit: %s", got)
	}
	if got := read(many...); got != "reading app: platform all: more than the limit of 32 images\n" {
		t.Errorf("beyond the limit: %s", got)
	}
}
