package target_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// TestDockerfileOfProvenance: an image whose builder wrote its Dockerfile into the provenance needs none beside it, and
// one that is given wins.
func TestDockerfileOfProvenance(t *testing.T) {
	const carried, given = "FROM scratch\nCOPY app /app\nENTRYPOINT [\"/app\"]\n", "FROM scratch\nENTRYPOINT [\"/app\"]\n"
	built := imagetest.Image{Layers: [][]layers.File{{{Path: "app", Data: []byte("app")}}}}.Build(t)
	for _, test := range []struct {
		name, text string
		args       []string
		want       string
		carried    bool
	}{
		{"carried", carried, nil, carried, true},
		{"given", carried, []string{"dockerfile:"}, given, false},
		{"no Dockerfile", "no such instruction", nil, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			statement := fmt.Sprintf(`{"predicateType": "https://slsa.dev/provenance/v1", "predicate": {"runDetails": {"metadata": {"buildkit_metadata":
				{"source": {"infos": [{"filename": "build/Dockerfile", "language": "Dockerfile", "data": %q}]}}}}}}`,
				base64.StdEncoding.EncodeToString([]byte(test.text)))
			imagetest.WriteLayout(t, dir, "app", imagetest.Attested(t, built, "https://slsa.dev/provenance/v1", []byte(statement)))
			args := []string{"oci:" + dir}
			if test.args != nil {
				file := filepath.Join(t.TempDir(), "Dockerfile")
				if err := os.WriteFile(file, []byte(given), 0o644); err != nil {
					t.Fatal(err)
				}
				args = append(args, "dockerfile:"+file)
			}
			subjects, err := target.Subjects(context.Background(), args, target.Options{})
			if err != nil || len(subjects) != 1 {
				t.Fatal(subjects, err)
			}
			s := subjects[0]
			got := ""
			if s.Dockerfile != nil {
				got = string(s.Dockerfile.Source)
			}
			if got != test.want || s.DockerfileCarried != test.carried {
				t.Errorf("Dockerfile %q, carried %t", got, s.DockerfileCarried)
			}
			if test.carried && s.Dockerfile.Path != "build/Dockerfile" {
				t.Errorf("path %q", s.Dockerfile.Path)
			}
		})
	}
}
