package imagetest

import (
	"archive/tar"
	"encoding/json"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Index lists images under the platforms of their configurations.
func Index(t testing.TB, images ...v1.Image) v1.ImageIndex {
	t.Helper()
	var adds []mutate.IndexAddendum
	for _, img := range images {
		config, err := img.ConfigFile()
		must(t, err)
		adds = append(adds, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: config.Platform()}})
	}
	return mutate.AppendManifests(empty.Index, adds...)
}

// WriteLayout writes a v1.Image or v1.ImageIndex under a tag into an OCI layout directory, new or not.
func WriteLayout(t testing.TB, dir, tag string, what mutate.Appendable) {
	t.Helper()
	l, err := layout.FromPath(dir)
	if err != nil {
		l, err = layout.Write(dir, empty.Index)
	}
	must(t, err)
	var opts []layout.Option
	if tag != "" {
		opts = append(opts, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag}))
	}
	switch what := what.(type) {
	case v1.Image:
		must(t, l.AppendImage(what, opts...))
	case v1.ImageIndex:
		must(t, l.AppendIndex(what, opts...))
	default:
		t.Fatalf("imagetest: cannot write a %T", what)
	}
}

// WriteOCIArchive writes a v1.Image or v1.ImageIndex as a tar of an OCI layout.
func WriteOCIArchive(t testing.TB, file, tag string, what mutate.Appendable) {
	t.Helper()
	dir := t.TempDir()
	WriteLayout(t, dir, tag, what)
	tarDirectory(t, file, dir)
}

// tarDirectory packs a directory in order of names.
func tarDirectory(t testing.TB, file, dir string) {
	t.Helper()
	out, err := os.Create(file)
	must(t, err)
	defer out.Close()
	w := tar.NewWriter(out)
	must(t, w.AddFS(os.DirFS(dir)))
	must(t, w.Close())
}

// WriteDockerArchive writes images as docker save does since Docker 25: one tar that is an OCI layout and has a
// manifest.json, layers uncompressed. tags[i] is the full name of images[i], "" for none.
func WriteDockerArchive(t testing.TB, file string, tags []string, images ...v1.Image) {
	t.Helper()
	writeSaved(t, file, tags, images, "blobs/sha256/", "")
}

// WriteOldDockerArchive writes images as docker save did before Docker 25.
func WriteOldDockerArchive(t testing.TB, file string, tags []string, images ...v1.Image) {
	t.Helper()
	writeSaved(t, file, tags, images, "", "/layer.tar")
}

func writeSaved(t testing.TB, file string, tags []string, images []v1.Image, prefix, suffix string) {
	t.Helper()
	dir := t.TempDir()
	if prefix != "" {
		for i, img := range images {
			WriteLayout(t, dir, tags[i], img)
		}
	}
	type saved struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	var list []saved
	for i, img := range images {
		raw, err := img.RawConfigFile()
		must(t, err)
		digest, err := img.ConfigName()
		must(t, err)
		s := saved{Config: prefix + digest.Hex}
		if prefix == "" {
			s.Config += ".json"
		}
		write(t, filepath.Join(dir, s.Config), raw)
		all, err := img.Layers()
		must(t, err)
		for _, l := range all {
			diffID, err := l.DiffID()
			must(t, err)
			r, err := l.Uncompressed()
			must(t, err)
			raw, err := io.ReadAll(r)
			must(t, err)
			must(t, r.Close())
			s.Layers = append(s.Layers, prefix+diffID.Hex+suffix)
			write(t, filepath.Join(dir, prefix+diffID.Hex+suffix), raw)
		}
		if tags[i] != "" {
			s.RepoTags = []string{tags[i]}
		}
		list = append(list, s)
	}
	raw, err := json.Marshal(list)
	must(t, err)
	write(t, filepath.Join(dir, "manifest.json"), raw)
	tarDirectory(t, file, dir)
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, data, fs.FileMode(0o644)))
}

// Registry is a registry in memory, for tests that put their own faults in front of it.
func Registry() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// Serve starts a registry on loopback that lives as long as the test, and returns its host and port.
func Serve(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(Registry())
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// Push puts a v1.Image or v1.ImageIndex into a registry under a reference "host:port/repo:tag".
func Push(t testing.TB, ref string, what mutate.Appendable) {
	t.Helper()
	tag, err := name.NewTag(ref)
	must(t, err)
	switch what := what.(type) {
	case v1.Image:
		must(t, remote.Write(tag, what))
	case v1.ImageIndex:
		must(t, remote.WriteIndex(tag, what))
	default:
		t.Fatalf("imagetest: cannot push a %T", what)
	}
}
