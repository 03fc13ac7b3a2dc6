package target_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// TestDerivedBase: what an image has that its Dockerfile does not set comes from the base image, and counts for the stages
// that start from it.
func TestDerivedBase(t *testing.T) {
	files := []layers.File{{Path: "base/app", Data: []byte("app")}}
	built := imagetest.Image{
		Layers: [][]layers.File{{{Path: "etc/passwd", Data: []byte("")}}, files},
		Config: layers.Config{
			Env: []string{"PATH=/bin", "HOME_DIR=/base", "SET=2"}, User: "65532", WorkingDir: "/srv", StopSignal: "SIGQUIT", Entrypoint: []string{"/base/app"},
		},
		History: []layers.Step{
			{CreatedBy: "/bin/sh -c #(nop) ADD file:0123 in / "},
			{CreatedBy: "ENV SET=2", Comment: "buildkit.dockerfile.v0", Empty: true},
			{CreatedBy: "COPY app /base/app # buildkit", Comment: "buildkit.dockerfile.v0"},
			{CreatedBy: `ENTRYPOINT ["/base/app"]`, Comment: "buildkit.dockerfile.v0", Empty: true},
		},
	}.Build(t)
	dir := t.TempDir()
	imagetest.WriteLayout(t, filepath.Join(dir, "image"), "app", built)
	tests := []struct{ name, dockerfile, user, workDir, stopSignal, env, copied string }{
		{"its own", "FROM base:1\nENV SET=2\nCOPY app ${HOME_DIR}/app\nENTRYPOINT [\"/base/app\"]\n",
			"65532 true", "/srv true", "SIGQUIT true", "[PATH=/bin HOME_DIR=/base SET=2]", "/base/app"},
		{"through a stage", "FROM base:1 AS a\nENV SET=2\nFROM a\nCOPY app ${HOME_DIR}/app\nENTRYPOINT [\"/base/app\"]\n",
			"65532 true", "/srv true", "SIGQUIT true", "[PATH=/bin HOME_DIR=/base SET=2]", "/base/app"},
		{"set here, unknown there", "FROM base:1\nENV SET=$SET\nCOPY app ${HOME_DIR}/app\nENTRYPOINT [\"/base/app\"]\n",
			"65532 true", "/srv true", "SIGQUIT true", "[PATH=/bin HOME_DIR=/base SET=?]", "/base/app"},
		{"of another", "FROM base:1\nUSER 1\nRUN something else\nRUN more\n", "1 true", " false", " false", "[]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "Dockerfile")
			if err := os.WriteFile(name, []byte(tt.dockerfile), 0o644); err != nil {
				t.Fatal(err)
			}
			subjects, err := target.Subjects(context.Background(), []string{"oci:" + filepath.Join(dir, "image"), "dockerfile:" + name}, target.Options{})
			if err != nil || len(subjects) != 1 || subjects[0].Dockerfile == nil {
				t.Fatal(subjects, err)
			}
			final := subjects[0].Dockerfile.Final()
			env, copied := []string{}, ""
			for _, v := range final.Env {
				value := v.Value
				if !v.Known {
					value = "?"
				}
				env = append(env, v.Key+"="+value)
			}
			for _, in := range final.Instructions {
				if in.Copy != nil {
					copied = in.Copy.Dest
				}
			}
			show := func(s dockerfile.Setting) string { return fmt.Sprint(s.Value, " ", s.Known) }
			got := fmt.Sprint(show(final.User), "|", show(final.WorkDir), "|", show(final.StopSignal), "|", env, "|", copied)
			want := fmt.Sprint(tt.user, "|", tt.workDir, "|", tt.stopSignal, "|", tt.env, "|", tt.copied)
			if got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}
