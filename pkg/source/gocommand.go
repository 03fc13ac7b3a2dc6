package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// ErrNoGo is that there is no go command here.
var ErrNoGo = errors.New("no go command is here")

// users are the settings that stay the user's own whatever a Dockerfile says: where modules come from and what is
// trusted, where they are kept, and how the machine is reached. Source: go help environment.
var users = []string{"GOAUTH", "GOCACHE", "GOCACHEPROG", "GOINSECURE", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOVCS"}

// Toolchain is the go command of this machine.
type Toolchain struct {
	Version string // "go1.26.1"
	GOROOT  string
	GOOS    string
	GOARCH  string
	env     map[string]string // the user's settings
}

// FindToolchain asks the go command what it is. Without one the error is ErrNoGo.
func FindToolchain(ctx context.Context) (*Toolchain, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, ErrNoGo
	}
	// Outside of any module, so that no toolchain line of one decides what answers.
	out, err := run(ctx, os.TempDir(), append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off"), maxOutput,
		append([]string{"env", "-json", "GOVERSION", "GOROOT", "GOHOSTOS", "GOHOSTARCH"}, users...)...)
	if err != nil {
		return nil, fmt.Errorf("asking the go command what it is: %w", err)
	}
	t := &Toolchain{}
	if err := json.Unmarshal(out, &t.env); err != nil {
		return nil, fmt.Errorf("asking the go command what it is: %w", err)
	}
	t.Version, t.GOROOT, t.GOOS, t.GOARCH = t.env["GOVERSION"], t.env["GOROOT"], t.env["GOHOSTOS"], t.env["GOHOSTARCH"]
	return t, nil
}

// environment is what the go command runs in: the user's for what concerns the machine and the way to modules, and
// nothing of the user's that decides what is built. That is env's alone.
func (t *Toolchain) environment(env map[string]string, more ...string) []string {
	var all []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !decides(name) {
			all = append(all, kv)
		}
	}
	all = append(all, "GOENV=off", "GOTOOLCHAIN=local")
	for _, name := range users {
		if v := t.env[name]; v != "" {
			all = append(all, name+"="+v)
		}
	}
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if decides(name) && !slices.Contains(users, name) {
			all = append(all, name+"="+env[name])
		}
	}
	return append(all, more...)
}

// decides reports whether a variable is one of the go command's, or of the C compiler that it calls.
func decides(name string) bool {
	return strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_") || slices.Contains([]string{"CC", "CXX", "AR", "FC", "PKG_CONFIG"}, name)
}

const (
	maxOutput = 256 << 20 // bytes of standard output that are read; go list -deps of kubernetes gives 30 MiB
	maxWords  = 64 << 10  // bytes of standard error that are kept
)

// run runs the go command and gives its standard output. The error ends with the first words of its standard error.
func run(ctx context.Context, dir string, env []string, most int, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, 2*time.Second
	out, words := &limited{most: most}, &limited{most: maxWords, forgive: true}
	cmd.Stdout, cmd.Stderr = out, words
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		if said := firstLines(words.String(), 3); said != "" {
			return nil, errors.New(said)
		}
		return nil, err
	}
	return out.Bytes(), nil
}

// limited is a buffer that takes no more than some bytes.
type limited struct {
	bytes.Buffer
	most    int
	forgive bool // what is too much is dropped
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.most - l.Len(); len(p) > room {
		l.Buffer.Write(p[:max(room, 0)])
		if !l.forgive {
			return max(room, 0), io.ErrShortWrite
		}
		return len(p), nil
	}
	return l.Buffer.Write(p)
}

// firstLines gives the first lines that say something, as one.
func firstLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "go: downloading ") && len(lines) < n {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
