package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// Build is one build: a Dockerfile and a context directory, which is not changed.
type Build struct {
	Dockerfile []byte
	Ignore     []byte // the Dockerfile's own ignore file, nil to take the context's
	Context    string
	Opts       []string // further arguments of buildctl
}

// Limit bounds one build. A build whose packages are compiled already takes 2 s.
const Limit = 3 * time.Minute

// Run builds, and writes as buildctl's --output says. The words are BuildKit's when it gives the build up, "" if it
// succeeded; the error is ours.
func (l *Lab) Run(ctx context.Context, b Build, output string) (words string, err error) {
	dir, err := os.MkdirTemp("", "imgaudit-lab")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), b.Dockerfile, 0o644); err != nil {
		return "", err
	}
	if b.Ignore != nil {
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile.dockerignore"), b.Ignore, 0o644); err != nil {
			return "", err
		}
	}
	args := []string{"build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=" + b.Context, "--local", "dockerfile=" + dir, "--output", output}
	if f, err := dockerfile.Parse("Dockerfile", b.Dockerfile, dockerfile.Options{}); err == nil {
		opts, unknown := l.Contexts(f)
		if len(unknown) > 0 {
			return "no stand-in for " + strings.Join(unknown, ", "), nil
		}
		args = append(args, opts...)
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	cmd := l.Buildctl(append(args, b.Opts...)...)
	cmd = exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Sprintf("%s\n%v", Tail(string(out), 25), err), nil
	}
	return "", nil
}
