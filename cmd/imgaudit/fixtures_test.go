package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imgaudit/imgaudit/internal/elftest"
	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var projectRoot = func() string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return dir
}()

// makeFixtures builds the programs and images that the scripts name, pushes one to the registry, and returns name -> path.
func makeFixtures(t *testing.T, registry string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	fixtures := map[string]string{}
	for _, name := range []string{"rates", "hello", "cprogram", "bad", "good.tar", "good-oci.tar", "truncated.tar", "lying", "empty", "nogo.tar", "arm", "good", "multi", "two.tar"} {
		fixtures[name] = at(name)
	}
	rates := goBuild(t, filepath.Join(projectRoot, "testdata", "demo"), at("rates"))
	hello := goBuild(t, filepath.Join(projectRoot, "testdata", "apps", "hello"), at("hello"))
	cprogram, err := elftest.Build(elftest.Spec{Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"}})
	check(t, err)
	check(t, os.WriteFile(at("cprogram"), cprogram, 0o755))

	bad := demoImage(rates).Build(t)
	imagetest.WriteLayout(t, at("bad"), "latest", bad)
	imagetest.Push(t, registry+"/bad:latest", bad)
	good := goodImage(hello).Build(t)
	imagetest.WriteDockerArchive(t, at("good.tar"), []string{"good:latest"}, good)
	imagetest.WriteOCIArchive(t, at("good-oci.tar"), "latest", good)
	imagetest.WriteLayout(t, at("good"), "latest", good)
	imagetest.Push(t, registry+"/good:latest", good)
	imagetest.WriteLayout(t, at("multi"), "latest", imagetest.Index(t, good, armImage(hello).Build(t)))
	imagetest.WriteDockerArchive(t, at("two.tar"), []string{"good:latest", "bad:1"}, good, bad)
	imagetest.WriteLayout(t, at("empty"), "latest", imagetest.Image{}.Build(t))
	imagetest.WriteLayout(t, at("arm"), "latest", imagetest.Index(t, armImage(hello).Build(t)))
	nogo := imagetest.Image{
		Config: layers.Config{Entrypoint: []string{"/server"}, User: "65532"},
		Layers: [][]layers.File{{{Path: "server", Mode: 0o755, Data: cprogram}}},
	}
	imagetest.WriteDockerArchive(t, at("nogo.tar"), []string{"nogo:latest"}, nogo.Build(t))

	whole, err := os.ReadFile(at("good.tar"))
	check(t, err)
	check(t, os.WriteFile(at("truncated.tar"), whole[:len(whole)/2], 0o644))
	imagetest.WriteLayout(t, at("lying"), "latest", bad)
	corruptLargestBlob(t, at("lying"))
	return fixtures
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func goBuild(t *testing.T, dir, out string) []byte {
	t.Helper()
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, ".")
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", dir, err, text)
	}
	data, err := os.ReadFile(out)
	check(t, err)
	return data
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// demoImage is what BuildKit makes of testdata/demo/Dockerfile.
func demoImage(rates []byte) imagetest.Image {
	return imagetest.Image{
		Config: layers.Config{
			Env: []string{defaultPath, "TZ=Europe/Berlin"}, User: "65532:65532",
			Entrypoint: []string{"/bin/sh", "-c", "/rates"}, ExposedPorts: []string{"8080/tcp"},
		},
		Layers: [][]layers.File{{{Path: "rates", Mode: 0o755, Data: rates}}},
		History: []layers.Step{
			{CreatedBy: "ENV TZ=Europe/Berlin", Empty: true},
			{CreatedBy: "COPY /out/rates /rates # buildkit"},
			{CreatedBy: "EXPOSE [8080/tcp]", Empty: true},
			{CreatedBy: "USER 65532:65532", Empty: true},
			{CreatedBy: `ENTRYPOINT ["/bin/sh" "-c" "/rates"]`, Empty: true},
		},
	}
}

// goodImage has nothing to find.
func goodImage(hello []byte) imagetest.Image {
	return imagetest.Image{
		Config: layers.Config{Env: []string{defaultPath}, User: "65532:65532", Entrypoint: []string{"/hello"}},
		Layers: [][]layers.File{{{Path: "hello", Mode: 0o755, Data: hello}}},
		History: []layers.Step{
			{CreatedBy: "COPY /out/hello /hello # buildkit"},
			{CreatedBy: "USER 65532:65532", Empty: true},
			{CreatedBy: `ENTRYPOINT ["/hello"]`, Empty: true},
		},
	}
}

// armImage says arm64 and holds an amd64 program.
func armImage(hello []byte) imagetest.Image {
	img := goodImage(hello)
	img.Platform = layers.Platform{OS: "linux", Architecture: "arm64"}
	return img
}

// corruptLargestBlob changes a byte in the middle of an OCI layout's largest blob.
func corruptLargestBlob(t *testing.T, dir string) {
	t.Helper()
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	check(t, err)
	var largest []byte
	name := ""
	for _, b := range blobs {
		data, err := os.ReadFile(b)
		check(t, err)
		if len(data) > len(largest) {
			largest, name = bytes.Clone(data), b
		}
	}
	largest[len(largest)/2] ^= 0xff
	check(t, os.WriteFile(name, largest, 0o644))
}
