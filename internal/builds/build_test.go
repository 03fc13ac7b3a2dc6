package builds

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// build is one build: a Dockerfile and a context directory, which is not changed.
type build struct {
	dockerfile []byte
	ignore     []byte // the Dockerfile's own ignore file, nil to take the context's
	context    string
	opts       []string // further arguments of buildctl
}

// limit bounds one build. A build whose packages are compiled already takes 2 s.
const limit = 3 * time.Minute

// archive builds into an archive in OCI layout. The words are BuildKit's when it fails.
func (l *lab) archive(t *testing.T, b build) (file, words string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "image.tar")
	return file, l.build(t, b, "type=oci,compression=uncompressed,dest="+file)
}

// build builds and gives BuildKit's words, "" if it succeeded.
func (l *lab) build(t *testing.T, b build, output string) (words string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "Dockerfile", b.dockerfile)
	if b.ignore != nil {
		write(t, dir, "Dockerfile.dockerignore", b.ignore)
	}
	args := []string{"build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=" + b.context, "--local", "dockerfile=" + dir, "--output", output}
	if f, err := dockerfile.Parse("Dockerfile", b.dockerfile, dockerfile.Options{}); err == nil {
		opts, unknown := l.contexts(f)
		if len(unknown) > 0 {
			return "no stand-in for " + strings.Join(unknown, ", ")
		}
		args = append(args, opts...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := l.buildctl(append(args, b.opts...)...)
	cmd = exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	return tail(string(out), 25) + "\n" + err.Error()
}

var problem = regexp.MustCompile(`(?m)^(ERROR|error): .*`)

// short is the line of BuildKit's words that says why.
func short(words string) string {
	if all := problem.FindAllString(words, -1); len(all) > 0 {
		return all[len(all)-1]
	}
	return tail(words, 1)
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

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func command(name string, args ...string) *exec.Cmd { return exec.Command(name, args...) }

func output(name string, args ...string) (string, error) {
	out, err := command(name, args...).Output()
	return strings.TrimSpace(string(out)), err
}
