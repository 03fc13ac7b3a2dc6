package layers_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// small is an image of two layers.
func small() imagetest.Image {
	return imagetest.Image{Config: layers.Config{Cmd: []string{"/app"}},
		Layers:  [][]layers.File{{file("app", "1")}, {file("etc/x", strings.Repeat("text ", 10_000))}},
		Packing: map[int]imagetest.Packing{0: imagetest.Plain}}
}

// doctored is an OCI layout under construction whose documents can be falsified; digests above are made right again.
type doctored struct {
	t        *testing.T
	dir      string
	manifest map[string]any
	config   map[string]any
}

func doctor(t *testing.T, img imagetest.Image) *doctored {
	t.Helper()
	d := &doctored{t: t, dir: filepath.Join(t.TempDir(), "app")}
	built := img.Build(t)
	imagetest.WriteLayout(t, d.dir, "", built)
	raw, err := built.RawManifest()
	check(t, err)
	check(t, json.Unmarshal(raw, &d.manifest))
	raw, err = built.RawConfigFile()
	check(t, err)
	check(t, json.Unmarshal(raw, &d.config))
	return d
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put stores a document and describes it.
func (d *doctored) put(mediaType string, doc any) map[string]any {
	d.t.Helper()
	raw, ok := doc.([]byte)
	if !ok {
		var err error
		raw, err = json.Marshal(doc)
		check(d.t, err)
	}
	hex := fmt.Sprintf("%x", sha256.Sum256(raw))
	check(d.t, os.WriteFile(filepath.Join(d.dir, "blobs/sha256", hex), raw, 0o644))
	return map[string]any{"mediaType": mediaType, "digest": "sha256:" + hex, "size": len(raw)}
}

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
)

// list writes index.json.
func (d *doctored) list(descriptors ...any) {
	d.t.Helper()
	raw, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": descriptors})
	check(d.t, err)
	check(d.t, os.WriteFile(filepath.Join(d.dir, "index.json"), raw, 0o644))
}

// layer is the descriptor of a layer.
func (d *doctored) layer(i int) map[string]any {
	return d.manifest["layers"].([]any)[i].(map[string]any)
}

func (d *doctored) blob(i int) string {
	return filepath.Join(d.dir, "blobs/sha256", strings.TrimPrefix(d.layer(i)["digest"].(string), "sha256:"))
}

// read writes config, manifest and index and reads the image.
func (d *doctored) read() (*layers.Image, error) {
	d.t.Helper()
	d.manifest["config"] = d.put(configType, d.config)
	d.list(d.put(manifestType, d.manifest))
	return layers.Read(context.Background(), layers.OCILayout, d.dir, layers.Options{})
}
