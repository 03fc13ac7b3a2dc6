package layers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

const slsaV1 = "https://slsa.dev/provenance/v1"

// attestedImage is an image of six layers and the statement that a real BuildKit made of one, with the digests of these.
func attestedImage(t *testing.T) (v1.Image, []byte) {
	t.Helper()
	img := imagetest.Image{}
	for _, name := range []string{"etc/os-release", "data/one", "app", "etc/motd", "etc/conf.yaml", "data/two"} {
		img.Layers = append(img.Layers, []layers.File{{Path: name, Data: []byte(name)}})
	}
	built := img.Build(t)
	data, err := os.ReadFile("testdata/provenance/v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Layers    []string        `json:"layers"`
		Statement json.RawMessage `json:"statement"`
	}
	if err := json.Unmarshal(data, &sample); err != nil {
		t.Fatal(err)
	}
	have, err := built.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range have {
		digest, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		sample.Statement = bytes.ReplaceAll(sample.Statement, []byte(sample.Layers[i]), []byte(digest.String()))
	}
	return built, sample.Statement
}

func readAttested(t *testing.T, index v1.ImageIndex) *layers.Image {
	t.Helper()
	dir := t.TempDir()
	imagetest.WriteLayout(t, dir, "app", index)
	img, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{})
	if err != nil || img.FS == nil {
		t.Fatal(err, img)
	}
	return img
}

// TestProvenance: an image that carries BuildKit's provenance knows its lines and its base, from a layout and from a
// registry.
func TestProvenance(t *testing.T) {
	built, statement := attestedImage(t)
	index := imagetest.Attested(t, built, slsaV1, statement)
	ref := imagetest.Serve(t) + "/app:1"
	imagetest.Push(t, ref, index)
	remote, err := layers.Read(context.Background(), layers.Registry, ref, layers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range []*layers.Image{readAttested(t, index), remote} {
		want := []int{8, 9, 11, 12, 15, 16}
		for i, l := range img.Layers {
			if l.Line != want[i] || l.Base != (i == 0) {
				t.Errorf("%s: layer %d: line %d, base %t", img.Source, i, l.Line, l.Base)
			}
		}
		if p := img.Provenance; p == nil || p.Because != "" || !strings.Contains(string(p.Source), "FROM ${REGISTRY}/debian") {
			t.Errorf("%s: provenance %+v", img.Source, p)
		}
	}
}

// TestProvenanceIsNoCondition: an attestation that cannot be used says why and takes nothing from the image.
func TestProvenanceIsNoCondition(t *testing.T) {
	built, statement := attestedImage(t)
	other := imagetest.Image{Layers: [][]layers.File{{{Path: "other"}}}}.Build(t)
	for _, test := range []struct {
		name, because string
		index         v1.ImageIndex
		present       bool
	}{
		{"of another kind", "", imagetest.Attested(t, built, "https://spdx.dev/Document", statement), false},
		{"no JSON", "provenance: invalid character", imagetest.Attested(t, built, slsaV1, []byte("<html>")), true},
		{"too large", "more than the limit of", imagetest.Attested(t, built, slsaV1, bytes.Repeat([]byte(" "), 9<<20)), true},
		{"of another image", "", imagetest.Attested(t, other, slsaV1, statement), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := readAttested(t, test.index).Provenance
			if (p != nil) != test.present {
				t.Fatalf("provenance %+v", p)
			}
			if p != nil && (!strings.Contains(p.Because, test.because) || (p.Because == "") != (test.because == "")) {
				t.Errorf("because %q, want %q", p.Because, test.because)
			}
		})
	}
}
