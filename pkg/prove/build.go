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
	// Epoch, in seconds since 1970, is the time that is written into the image in place of the build's; "" for none. Files
	// that are newer get it.
	Epoch string
}

// BuildError is a build that the engine gave up. It is an observation, not a failure of ours.
type BuildError struct {
	Engine *Engine
	Words  string   // the line that says why
	Line   int      // of the Dockerfile, 0 if the engine does not say which
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
	place := filepath.Dir(archive)
	if e.Kind == Docker {
		err = b.runDocker(ctx, e, dir, archive, lines)
	} else {
		err = run(ctx, e, place, b.command(e, dir, archive), lines)
	}
	var failed *BuildError
	if errors.As(err, &failed) {
		failed.Line = b.line(failed)
	}
	if e.Kind == Podman || e.Kind == Buildah {
		_, left := e.removeWorking(place, map[string]bool{filepath.Base(place): true})
		err = errors.Join(err, left)
	}
	if err != nil {
		os.Remove(archive) // half of one
	}
	return err
}

// command is the argument list that builds into the archive. No engine keeps the image by a name, so that there is nothing
// to take away and its build cache stays as it is.
func (b Build) command(e *Engine, dir, archive string) []string {
	file := filepath.Join(dir, "Dockerfile")
	if e.Kind == BuildKit {
		return b.buildctl(dir, archive)
	}
	args := append([]string{"build", "--layers", "--file", file, "--tag", "oci-archive:" + archive}, b.flags()...)
	if b.Epoch != "" {
		args = append(args, "--timestamp", b.Epoch)
	}
	// A secret that no RUN mounts changes nothing; it stands in what the engine notes of its working containers, by which
	// those of a build that was killed are found.
	args = append(args, "--secret", workingMark(filepath.Base(filepath.Dir(archive)))+"src="+file)
	if b.Ignore != nil {
		args = append(args, "--ignorefile", file+".dockerignore")
	}
	return append(args, b.Context)
}

// imageName is the name by which an engine keeps an archive of a proof: localhost/DIRECTORY:FILE.
func imageName(archive string) string {
	return "localhost/" + filepath.Base(filepath.Dir(archive)) + ":" + strings.TrimSuffix(filepath.Base(archive), filepath.Ext(archive))
}

// output is BuildKit's exporter. Source: BuildKit docs/build-repro.md, "rewrite-timestamp"; the epoch itself is a build
// argument.
func (b Build) output(archive string) string {
	out := "type=oci,dest=" + archive
	if b.Epoch != "" {
		out += ",rewrite-timestamp=true"
	}
	return out
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
		"--output", b.output(archive)}
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

// run runs an engine's command to its end.
func run(ctx context.Context, e *Engine, dir string, args []string, lines func(string)) error {
	cmd := e.command(ctx, dir, args...)
	cmd.Env = append(cmd.Env, e.builderEnv()...)
	out := &lineWriter{each: lines}
	cmd.Stdout, cmd.Stderr = out, out
	err := runWatched(cmd)
	out.flush()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("running %s %s: %w", e.Kind, args[0], context.Cause(ctx))
	case !errors.As(err, &exit):
		return fmt.Errorf("running %s: %w", e.Path, err)
	case endedBy(exit.ProcessState) != 0:
		return fmt.Errorf("running %s %s: it was ended by a signal (%s)", e.Kind, args[0], endedBy(exit.ProcessState))
	}
	if err := e.alive(ctx); err != nil {
		return fmt.Errorf("running %s %s: it answers no more: %w", e.Kind, args[0], err)
	}
	return &BuildError{Engine: e, Words: out.why(err), Output: out.tail}
}

// alive asks an engine that has a daemon whether it still answers: a build that ended with its daemon says nothing of the
// Dockerfile.
func (e *Engine) alive(ctx context.Context) error {
	for _, k := range kinds {
		if k.kind == e.Kind && (k.kind == BuildKit || k.kind == Docker) {
			return k.answers(ctx, e.Path)
		}
	}
	return nil
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
