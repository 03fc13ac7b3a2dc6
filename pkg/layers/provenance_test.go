package layers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sampleStatement is a statement that buildkitd v0.31.2 wrote with mode=max or min, and the layers of its image.
func sampleStatement(t testing.TB, name string) (statement []byte, layers []descriptor) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "provenance", name+".json"))
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
	for _, digest := range sample.Layers {
		layers = append(layers, descriptor{Digest: digest})
	}
	return sample.Statement, layers
}

// TestParseProvenance reads what a real BuildKit wrote: each layer's lines are those of the Dockerfile that was built.
func TestParseProvenance(t *testing.T) {
	const base = "127.0.0.1:5055/debian:12-slim@sha256:7b8895e2092e86b9386535e7b6fa05541938706245f061235e9e934a54b620c9"
	linked := []lineRange{{7, 7}, {8, 8}, {11, 11}, {12, 12}, {13, 13}, {14, 16}, {17, 17}}
	for _, test := range []struct {
		sample string
		lines  []lineRange
		first  string // of the line that made the second layer
	}{
		{"v1", []lineRange{{8, 8}, {9, 10}, {11, 11}, {12, 14}, {15, 15}, {16, 16}}, "RUN mkdir -p /data && \\"},
		{"v1-link", linked, "RUN mkdir -p /data"},
		{"v0.2-link", linked, "RUN mkdir -p /data"},
	} {
		statement, layers := sampleStatement(t, test.sample)
		p, err := parseProvenance(statement, layers)
		if err != nil {
			t.Fatal(test.sample, err)
		}
		if len(p.lines) != len(test.lines) {
			t.Fatalf("%s: lines of %d layers, not %d", test.sample, len(p.lines), len(test.lines))
		}
		for i, want := range test.lines {
			if p.lines[i] != want {
				t.Errorf("%s: layer %d comes from lines %v, not %v", test.sample, i, p.lines[i], want)
			}
		}
		source := strings.Split(string(p.Source), "\n")
		if got := source[test.lines[1].first-1]; got != test.first {
			t.Errorf("%s: the second layer's line is %q, not %q", test.sample, got, test.first)
		}
		if p.Base != base || p.BaseLayers != 1 || p.Dockerfile != "Dockerfile" || p.BuildArgs["REGISTRY"] != "127.0.0.1:5055" {
			t.Errorf("%s: %+v", test.sample, p)
		}
	}
	statement, layers := sampleStatement(t, "min")
	p, err := parseProvenance(statement, layers)
	if err != nil || p.Source != nil || p.Base != "" || p.lines[1] != (lineRange{}) {
		t.Errorf("mode=min says nothing of lines: %+v, %v", p, err)
	}
}

// TestProvenanceOfOtherLayers: a statement about other layers maps none of an image's to a line.
func TestProvenanceOfOtherLayers(t *testing.T) {
	statement, layers := sampleStatement(t, "v1")
	layers[0].Digest = "sha256:" + strings.Repeat("0", 64)
	p, err := parseProvenance(statement, layers)
	if err != nil {
		t.Fatal(err)
	}
	for i, lines := range p.lines {
		if lines != (lineRange{}) {
			t.Errorf("layer %d: %v", i, lines)
		}
	}
	if p.BaseLayers != 0 {
		t.Errorf("base %q of %d layers", p.Base, p.BaseLayers)
	}
}

func FuzzParseProvenance(f *testing.F) {
	for _, name := range []string{"v1", "v1-link", "v0.2-link", "min"} {
		statement, _ := sampleStatement(f, name)
		f.Add(statement)
	}
	_, layers := sampleStatement(f, "v1")
	f.Fuzz(func(t *testing.T, statement []byte) {
		p, err := parseProvenance(statement, layers)
		if err != nil {
			return
		}
		if len(p.lines) != len(layers) || p.BaseLayers > len(layers) {
			t.Errorf("%d lines and %d base layers of %d", len(p.lines), p.BaseLayers, len(layers))
		}
		for _, l := range p.lines {
			if l.first > l.last || l.first == 0 && l.last != 0 {
				t.Errorf("lines %v", l)
			}
		}
	})
}
