package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Build is one build: a Dockerfile's text, which need not stand in a file, and a context directory, which is not changed.
type Build struct {
	Dockerfile []byte
	Ignore     []byte // its own ignore file, nil for the one in the context
	Context    string // a directory
	Target     string // a stage, "" for the last
	Platform   string // "os/arch[/variant]", "" for the engine's own
	BuildArgs  map[string]string
	Secrets    []string          // "id=netrc,src=/home/me/.netrc", as docker build's --secret
	Contexts   map[string]string // named contexts, as docker build's --build-context
	NoCache    bool
}

// BuildError is a build that the engine gave up. It is an observation, not a failure of ours.
type BuildError struct {
	Engine *Engine
	Words  string   // the line that says why
	Output []string // the last lines, at most tailLines
}

func (e *BuildError) Error() string { return fmt.Sprintf("building with %s: %s", e.Engine, e.Words) }

// tailLines is how many lines of an engine's output are kept.
const tailLines = 40

// Run builds into an archive: an OCI layout in a tar file. lines gets what the engine prints, line by line.
func (b Build) Run(ctx context.Context, e *Engine, archive string, lines func(string)) error {
	dir, err := os.MkdirTemp(filepath.Dir(archive), "dockerfile")
	if err != nil {
		return fmt.Errorf("preparing a build: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), b.Dockerfile, 0o600); err != nil {
		return fmt.Errorf("preparing a build: %w", err)
	}
	if b.Ignore != nil {
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile.dockerignore"), b.Ignore, 0o600); err != nil {
			return fmt.Errorf("preparing a build: %w", err)
		}
	}
	for _, args := range b.commands(e, dir, archive) {
		if err := run(ctx, e, args, lines); err != nil {
			return err
		}
	}
	return nil
}

// commands are the argument lists that build into the archive. The engines that keep an image by a name get one that is
// taken away again.
func (b Build) commands(e *Engine, dir, archive string) [][]string {
	name := imageName(archive)
	file := filepath.Join(dir, "Dockerfile")
	switch e.Kind {
	case BuildKit:
		return [][]string{b.buildctl(dir, archive)}
	case Docker:
		return [][]string{append(append([]string{"buildx", "build", "--progress", "plain", "--file", file, "--output", "type=oci,dest=" + archive}, b.flags()...), b.Context)}
	}
	args := append([]string{"build", "--layers", "--file", file, "--tag", name}, b.flags()...)
	if b.Ignore != nil {
		args = append(args, "--ignorefile", file+".dockerignore")
	}
	save := []string{"save", "--quiet", "--format", "oci-archive", "--output", archive, name}
	if e.Kind == Buildah {
		save = []string{"push", "--quiet", name, "oci-archive:" + archive}
	}
	return [][]string{append(args, b.Context), save, {"rmi", name}}
}

// imageName is the name by which an engine keeps an archive of a proof: localhost/DIRECTORY:FILE.
func imageName(archive string) string {
	return "localhost/" + filepath.Base(filepath.Dir(archive)) + ":" + strings.TrimSuffix(filepath.Base(archive), filepath.Ext(archive))
}

// flags are those that docker, podman and buildah have in common.
func (b Build) flags() []string {
	var args []string
	if b.Target != "" {
		args = append(args, "--target", b.Target)
	}
	if b.Platform != "" {
		args = append(args, "--platform", b.Platform)
	}
	for _, k := range sorted(b.BuildArgs) {
		args = append(args, "--build-arg", k+"="+b.BuildArgs[k])
	}
	for _, s := range b.Secrets {
		args = append(args, "--secret", s)
	}
	for _, k := range sorted(b.Contexts) {
		args = append(args, "--build-context", k+"="+b.Contexts[k])
	}
	if b.NoCache {
		args = append(args, "--no-cache")
	}
	return args
}

// buildctl has other names for the same.
func (b Build) buildctl(dir, archive string) []string {
	args := []string{"build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=" + b.Context, "--local", "dockerfile=" + dir,
		"--output", "type=oci,dest=" + archive}
	if b.Target != "" {
		args = append(args, "--opt", "target="+b.Target)
	}
	if b.Platform != "" {
		args = append(args, "--opt", "platform="+b.Platform)
	}
	for _, k := range sorted(b.BuildArgs) {
		args = append(args, "--opt", "build-arg:"+k+"="+b.BuildArgs[k])
	}
	for _, s := range b.Secrets {
		args = append(args, "--secret", s)
	}
	for _, k := range sorted(b.Contexts) {
		from := b.Contexts[k]
		if !strings.Contains(from, "://") {
			args = append(args, "--local", "context:"+k+"="+from)
			from = "local:context:" + k
		}
		args = append(args, "--opt", "context:"+k+"="+from)
	}
	if b.NoCache {
		args = append(args, "--no-cache")
	}
	return args
}

// grace is how long an engine has to end after it was asked to.
const grace = 10 * time.Second

// run runs an engine's command to its end. Cancelling asks it to end before it is killed, so that it can tidy up.
func run(ctx context.Context, e *Engine, args []string, lines func(string)) error {
	cmd := exec.CommandContext(ctx, e.Path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C of the terminal is ours to pass on
	out := &lineWriter{each: lines}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	out.flush()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("running %s %s: %w", e.Kind, args[0], context.Cause(ctx))
	case errors.As(err, &exit):
		return &BuildError{Engine: e, Words: out.why(err), Output: out.tail}
	}
	return fmt.Errorf("running %s: %w", e.Path, err)
}

// lineWriter cuts what a tool prints into lines and keeps the last ones.
type lineWriter struct {
	each    func(string)
	partial []byte
	tail    []string
}

// maxLine bounds a line, in bytes: what is longer is cut there.
const maxLine = 4 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		w.partial = append(w.partial, line[:min(len(line), maxLine-min(len(w.partial), maxLine))]...)
		if !ended {
			break
		}
		w.flush()
		p = rest
	}
	return n, nil
}

func (w *lineWriter) flush() {
	if len(w.partial) == 0 {
		return
	}
	line := strings.TrimRight(string(w.partial), "\r")
	w.partial = w.partial[:0]
	if w.each != nil {
		w.each(line)
	}
	w.tail = append(w.tail, line)
	if len(w.tail) > tailLines {
		w.tail = slices.Delete(w.tail, 0, 1)
	}
}

// why finds the line that says why it failed: the last that speaks of an error, or else the last.
func (w *lineWriter) why(err error) string {
	for _, line := range slices.Backward(w.tail) {
		lower := strings.ToLower(line)
		if strings.HasPrefix(lower, "error:") || strings.HasPrefix(lower, "error ") {
			return strings.TrimSpace(line[len("error:"):])
		}
	}
	if len(w.tail) > 0 {
		return w.tail[len(w.tail)-1]
	}
	return err.Error()
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
