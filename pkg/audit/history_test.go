package audit_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var update = flag.Bool("update", false, "rewrite the want sections")

// TestBlame blames every file of images whose history and layers real builders wrote (buildah 1.28.2, docker 20.10.24, buildkitd
// v0.31.2; internal/ci builds such images anew): line by line, "base-image" or "unknown", never a wrong line.
func TestBlame(t *testing.T) {
	files, err := filepath.Glob("testdata/history/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { blameSample(t, file) })
	}
}

func blameSample(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, f := range archive.Files {
		sections[f.Name] = string(f.Data)
	}
	s := &audit.Subject{Image: sampleImage(t, sections)}
	args := map[string]string{"BASE": "base:1"}
	s.Dockerfile, err = dockerfile.Parse("Dockerfile", []byte(sections["Dockerfile"]), dockerfile.Options{BuildArgs: args})
	if err != nil {
		t.Fatal(err)
	}
	if lines, ok := sections["provenance"]; ok {
		s.Image.Provenance = &layers.Provenance{Source: s.Dockerfile.Source}
		for line := range strings.Lines(lines) {
			var layer, first, last int
			if _, err := fmt.Sscan(line, &layer, &first, &last); err != nil {
				t.Fatal(err)
			}
			s.Image.Layers[layer].Line, s.Image.Layers[layer].LastLine = first, last
		}
	}
	s.Prepare()
	got := blameAll(t, s)
	if got == sections["want"] {
		return
	}
	if !*update {
		t.Fatalf("got:\n%swant:\n%s", got, sections["want"])
	}
	var kept []txtar.File
	for _, f := range archive.Files {
		if f.Name != "want" {
			kept = append(kept, f)
		}
	}
	archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sampleImage makes an image of a sample's history and layers and reads it back, so that the pairing of steps and
// layers is that of real images.
func sampleImage(t *testing.T, sections map[string]string) *layers.Image {
	t.Helper()
	img := imagetest.Image{}
	for line := range strings.Lines(sections["history"]) {
		var step layers.Step
		if err := json.Unmarshal([]byte(line), &step); err != nil {
			t.Fatal(err)
		}
		img.History = append(img.History, step)
	}
	for line := range strings.Lines(sections["layers"]) {
		fields := strings.Fields(line)
		if fields[0] == "layer" {
			img.Layers = append(img.Layers, nil)
			continue
		}
		f := layers.File{Path: strings.TrimSpace(line[strings.Index(line, fields[2]):])}
		if fields[0][0] == 'd' {
			f.Mode = fs.ModeDir | 0o755
		}
		last := len(img.Layers) - 1
		img.Layers[last] = append(img.Layers[last], f)
	}
	dir := t.TempDir()
	imagetest.WriteLayout(t, dir, "sample", img.Build(t))
	read, err := layers.Read(context.Background(), layers.OCILayout, dir, layers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if read.FS == nil {
		t.Fatalf("unread: %v", read.Unread)
	}
	return read
}

// blameAll lists every regular file and deletion with the line that is to blame.
func blameAll(t *testing.T, s *audit.Subject) string {
	t.Helper()
	var b strings.Builder
	err := s.Image.FS.Walk(func(e *layers.Entry) error {
		if e.Mode.IsRegular() {
			fmt.Fprintf(&b, "%s: %s\n", e.Path, causeText(s.BlamePath(e.Path)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Image.FS.Deletions() {
		fmt.Fprintf(&b, "%s is gone: %s\n", d.Path, causeText(s.BlameAbsence(d.Path)))
	}
	return b.String()
}

func causeText(c audit.Cause) string {
	switch c.Blame.Kind {
	case audit.BlameInstruction:
		return fmt.Sprintf("line %d %s", c.Location.Line, c.By.Keyword)
	case audit.BlameBase:
		return fmt.Sprintf("base image, line %d", c.Location.Line)
	}
	return "unknown: " + c.Blame.Because
}
