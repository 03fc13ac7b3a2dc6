package builds

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/imgaudit/imgaudit/internal/lab"
)

// archive builds into an archive in OCI layout. The words are BuildKit's when it fails.
func (l *rig) archive(t *testing.T, b lab.Build) (file, words string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "image.tar")
	return file, l.build(t, b, "type=oci,compression=uncompressed,dest="+file)
}

// build builds and gives BuildKit's words, "" if it succeeded.
func (l *rig) build(t *testing.T, b lab.Build, output string) (words string) {
	t.Helper()
	words, err := l.Run(t.Context(), b, output)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

var problem = regexp.MustCompile(`(?m)^(ERROR|error): .*`)

// short is the line of BuildKit's words that says why.
func short(words string) string {
	if all := problem.FindAllString(words, -1); len(all) > 0 {
		return all[len(all)-1]
	}
	return lab.Tail(words, 1)
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
