package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// writeImage writes the image that the Dockerfile of testdata/demo describes as an OCI layout, with the history that
// BuildKit writes.
func writeImage(dir, program string) error {
	layer, err := programLayer(program)
	if err != nil {
		return err
	}
	step := func(createdBy string, isEmpty bool) v1.History {
		return v1.History{CreatedBy: createdBy, Comment: "buildkit.dockerfile.v0", EmptyLayer: isEmpty}
	}
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		mutate.Addendum{History: step("ENV TZ=Europe/Berlin", true)},
		mutate.Addendum{Layer: layer, History: step("COPY /out/rates /rates # buildkit", false)},
		mutate.Addendum{History: step("EXPOSE [8080/tcp]", true)},
		mutate.Addendum{History: step("USER 65532:65532", true)},
		mutate.Addendum{History: step(`ENTRYPOINT ["/bin/sh" "-c" "/rates"]`, true)})
	if err != nil {
		return fmt.Errorf("adding the layers: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	config.Config = v1.Config{
		Env:  []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TZ=Europe/Berlin"},
		User: "65532:65532", Entrypoint: []string{"/bin/sh", "-c", "/rates"}, ExposedPorts: map[string]struct{}{"8080/tcp": {}},
	}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return fmt.Errorf("writing the config: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the old image: %w", err)
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("writing the layout: %w", err)
	}
	return path.AppendImage(img)
}

// programLayer is a layer with the program as /rates.
func programLayer(program string) (v1.Layer, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "rates", Mode: 0o755, Size: int64(len(data)), Typeflag: tar.TypeReg}); err != nil {
		return nil, fmt.Errorf("writing the layer: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("writing the layer: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing the layer: %w", err)
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
}
