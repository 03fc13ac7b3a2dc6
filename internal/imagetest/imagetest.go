// Package imagetest makes small container images for tests: layer by layer from files, as an OCI layout, an archive or
// in a registry on loopback.
//
// It must only be imported by tests.
package imagetest

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// Image describes an image.
type Image struct {
	Config   layers.Config
	Platform layers.Platform // zero: linux/amd64
	Layers   [][]layers.File // lowest first
	History  []layers.Step   // nil: one step for each layer
	Packing  map[int]Packing // how layers are compressed, by index; Gzip if not said
	Raw      map[int][]byte  // layers given as the bytes of their tar instead of as files
}

// Packing is how a layer is stored.
type Packing int

// The packings.
const (
	Gzip Packing = iota
	Zstd
	Plain
)

// Build makes the image in memory.
func (img Image) Build(t testing.TB) v1.Image {
	t.Helper()
	var adds []mutate.Addendum
	said := map[string]*tar.Header{}
	for i, files := range img.Layers {
		raw, ok := img.Raw[i]
		if !ok {
			raw = pack(t, files, said)
		}
		adds = append(adds, mutate.Addendum{Layer: layer(t, raw, img.Packing[i])})
	}
	built, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), adds...)
	must(t, err)
	built = mutate.ConfigMediaType(built, types.OCIConfigJSON)
	config, err := built.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	img.fill(config)
	built, err = mutate.ConfigFile(built, config)
	must(t, err)
	return built
}

// fill writes the description into a configuration.
func (img Image) fill(c *v1.ConfigFile) {
	c.OS, c.Architecture, c.Variant = "linux", "amd64", ""
	if img.Platform.OS != "" {
		c.OS, c.Architecture, c.Variant = img.Platform.OS, img.Platform.Architecture, img.Platform.Variant
	}
	in := img.Config
	c.Created = v1.Time{Time: in.Created}
	c.Config = v1.Config{
		User: in.User, Env: in.Env, Entrypoint: in.Entrypoint, Cmd: in.Cmd, WorkingDir: in.WorkingDir,
		StopSignal: in.StopSignal, Shell: in.Shell, Labels: in.Labels, ExposedPorts: set(in.ExposedPorts), Volumes: set(in.Volumes),
	}
	if in.Healthcheck != nil {
		c.Config.Healthcheck = &v1.HealthConfig{Test: in.Healthcheck}
	}
	c.History = nil
	for _, step := range img.History {
		c.History = append(c.History, v1.History{CreatedBy: step.CreatedBy, Comment: step.Comment, EmptyLayer: step.Empty})
	}
	if img.History == nil {
		for range img.Layers {
			c.History = append(c.History, v1.History{CreatedBy: "COPY . . # buildkit"})
		}
	}
}

// layer stores a tar.
func layer(t testing.TB, raw []byte, packing Packing) v1.Layer {
	t.Helper()
	switch packing {
	case Plain:
		return static.NewLayer(raw, types.OCIUncompressedLayer)
	case Zstd:
		z, err := zstd.NewWriter(nil)
		must(t, err)
		packed := z.EncodeAll(raw, nil)
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(packed)), nil
		}, tarball.WithMediaType(types.OCILayerZStd))
		must(t, err)
		return l
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw)), nil
	}, tarball.WithMediaType(types.OCILayer))
	must(t, err)
	return l
}

// Tar packs files as New reads them.
func Tar(t testing.TB, files []layers.File) []byte {
	t.Helper()
	return pack(t, files, map[string]*tar.Header{})
}

// pack is Tar for a layer over others, of whose files said has the headers: a hard link that says nothing of its file's
// owner and mode repeats what was said of it, as programs that write tars do.
func pack(t testing.TB, files []layers.File, said map[string]*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := header(f)
		if of := said[path.Clean("/"+f.Hardlink)]; of != nil && f.Hardlink != "" && f.Mode == 0 && f.UID == 0 && f.GID == 0 {
			h.Mode, h.Uid, h.Gid, h.PAXRecords = of.Mode, of.Uid, of.Gid, of.PAXRecords
		}
		said[path.Clean("/"+f.Path)] = h
		must(t, w.WriteHeader(h))
		_, err := w.Write(f.Data)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

// header is the tar header of a file.
func header(f layers.File) *tar.Header {
	h := &tar.Header{Name: f.Path, Uid: f.UID, Gid: f.GID, ModTime: time.Unix(1700000000, 0), Format: tar.FormatPAX, Mode: 0o644}
	mode := f.Mode
	switch {
	case f.Hardlink != "":
		h.Typeflag, h.Linkname = tar.TypeLink, f.Hardlink
	case mode&fs.ModeSymlink != 0 || mode.Type() == 0 && f.Link != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
	case mode.IsDir() || mode.Type() == 0 && strings.HasSuffix(f.Path, "/"):
		h.Typeflag, h.Mode = tar.TypeDir, 0o755
		h.Name = strings.TrimSuffix(f.Path, "/") + "/"
	case mode&fs.ModeCharDevice != 0:
		h.Typeflag = tar.TypeChar
	case mode&fs.ModeDevice != 0:
		h.Typeflag = tar.TypeBlock
	case mode&fs.ModeNamedPipe != 0:
		h.Typeflag = tar.TypeFifo
	default:
		h.Typeflag, h.Size = tar.TypeReg, int64(len(f.Data))
	}
	if mode.Perm() != 0 {
		h.Mode = int64(mode.Perm())
	}
	for _, bit := range []struct {
		have fs.FileMode
		tar  int64
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if mode&bit.have != 0 {
			h.Mode |= bit.tar
		}
	}
	if f.Caps {
		h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x04\x00\x00"}
	}
	return h
}

func set(list []string) map[string]struct{} {
	if list == nil {
		return nil
	}
	m := map[string]struct{}{}
	for _, s := range list {
		m[s] = struct{}{}
	}
	return m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
