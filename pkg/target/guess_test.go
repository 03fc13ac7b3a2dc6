package target_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/target"
)

// TestGuessedContext: the directory of a Dockerfile is its context when that is no mere chance.
func TestGuessedContext(t *testing.T) {
	tests := []struct {
		name, dockerfile string
		files            []string
		want             bool
	}{
		{"everything", "COPY . .", nil, false},
		{"everything, of a module", "COPY . .", []string{"go.mod"}, true},
		{"everything, with an ignore file", "COPY . .", []string{".dockerignore"}, true},
		{"everything, with an ignore file of its own", "COPY . .", []string{"Dockerfile.dockerignore"}, true},
		{"any name", "COPY * ./", nil, false},
		{"a file that is there", "COPY app /app", []string{"app"}, true},
		{"a file that is not", "COPY app /app", []string{"go.mod"}, false},
		{"one of two", "COPY app /app\nCOPY conf /conf", []string{"app"}, false},
		{"a pattern", "COPY *.json /", []string{"a.json"}, true},
		{"a mount that is there", "RUN --mount=type=bind,source=go.sum,target=go.sum x", []string{"go.sum"}, true},
		{"a mount that is not", "RUN --mount=type=bind,source=go.sum,target=go.sum x", []string{"go.mod"}, false},
		{"a mount of everything", "RUN --mount=type=bind,target=. x", nil, false},
		{"a mount of a stage", "RUN --mount=type=bind,from=alpine,source=/x,target=/x y", nil, false},
		{"a URL", "ADD https://127.0.0.1/x /x", nil, false},
		{"nothing", "RUN x", nil, false},
		{"nothing, in a module", "RUN x", []string{"go.mod"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "Dockerfile")
			for _, file := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, file), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(name, []byte("FROM a\n"+tt.dockerfile+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			subjects, err := target.Subjects(context.Background(), []string{name}, target.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := subjects[0].Context != nil; got != tt.want {
				t.Errorf("context %v, want %v", got, tt.want)
			}
			subjects, err = target.Subjects(context.Background(), []string{dir}, target.Options{})
			if err != nil || subjects[0].Context == nil {
				t.Errorf("a context that is named counts: %v, %v", subjects[0].Context, err)
			}
		})
	}
}
