package prove_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// builder gives an engine of this machine that builds, or skips. A BuildKit daemon is started for the test.
func builder(t *testing.T, kind prove.Kind) *prove.Engine {
	t.Helper()
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("builds images, which needs root and time")
	}
	t.Setenv("BUILDAH_ISOLATION", "chroot") // in a container there may be no right to more
	switch kind {
	case prove.BuildKit:
		buildkitd(t)
	case prove.Docker:
		lab.Docker(t)
	}
	e, err := prove.Find(t.Context(), string(kind), true)
	if err != nil {
		lab.Lacking(t, "%v", err)
	}
	return e.Build
}

// buildkitd starts a daemon and returns its process, or skips.
func buildkitd(t *testing.T) *os.Process {
	t.Helper()
	programs, err := lab.BuildKit()
	if err != nil {
		lab.Lacking(t, "%v", err)
	}
	t.Setenv("PATH", os.Getenv("PATH")+":"+programs)
	file := filepath.Join(programs, "buildkitd")
	root, err := os.MkdirTemp("", "bk") // the name of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // a daemon that was killed leaves its mounts
		for line := range strings.Lines(string(read(t, "/proc/self/mountinfo"))) {
			if at := strings.Fields(line)[4]; strings.HasPrefix(at, root) {
				_ = syscall.Unmount(at, syscall.MNT_DETACH)
			}
		}
		os.RemoveAll(root)
	})
	address := "unix://" + root + "/s"
	cmd := exec.Command(file, "--root", root, "--addr", address, "--containerd-worker=false", "--oci-worker-net", "host")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	t.Setenv("BUILDKIT_HOST", address)
	for range 100 {
		if exec.Command("buildctl", "debug", "info").Run() == nil {
			return cmd.Process
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("buildkitd does not answer")
	return nil
}

// builderContext is a context directory with the program builder, and one to be named "extra".
func builderContext(t *testing.T) (dir, extra string) {
	t.Helper()
	dir, extra = t.TempDir(), t.TempDir()
	for file, data := range map[string][]byte{filepath.Join(dir, "app"): program(t, "builder"), filepath.Join(dir, "kept"): nil, filepath.Join(dir, "ignored"): nil, filepath.Join(extra, "file"): nil} {
		if err := os.WriteFile(file, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir, extra
}

const everything = `FROM scratch AS base
ARG WHO=nobody
ARG TARGETARCH
COPY app /app
COPY . /context
RUN --mount=type=secret,id=token ["/app", "secret", "/run/secrets/token"]
COPY --from=extra file /extra
LABEL who=$WHO arch=$TARGETARCH

FROM base AS wanted
LABEL stage=wanted

FROM base AS last
RUN ["/app", \
     "fail"]
`

// howBuilt is a builder.
type howBuilt struct {
	name      string
	kind      prove.Kind
	docker    string   // DOCKER_BUILDKIT
	noSecrets bool     // nor an ignore file of the Dockerfile's own, nor arguments that name the platform
	noContext bool     // named
	lines     []string // of everything that are left out
}

// find gives the engine, or skips.
func (how howBuilt) find(t *testing.T) *prove.Engine {
	t.Helper()
	if how.docker != "" {
		t.Setenv("DOCKER_BUILDKIT", how.docker)
	}
	return builder(t, how.kind)
}

// builders are all that build here, with what they cannot do.
var builders = []howBuilt{
	{name: "buildkit", kind: prove.BuildKit},
	{name: "podman", kind: prove.Podman},
	{name: "buildah", kind: prove.Buildah},
	{name: "docker with BuildKit", kind: prove.Docker, noContext: true, lines: []string{"COPY --from=extra"}},
	{name: "docker's classic builder", kind: prove.Docker, docker: "0", noContext: true, noSecrets: true, lines: []string{"COPY --from=extra", "RUN --mount"}},
}

// TestBuildEngines builds one Dockerfile that uses a build argument, a secret, a target, a platform, a named context and
// an ignore file with every engine that is here, as far as the engine has them.
func TestBuildEngines(t *testing.T) {
	for _, how := range builders {
		t.Run(how.name, func(t *testing.T) {
			e := how.find(t)
			dir, extra := builderContext(t)
			token := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(token, []byte("12345"), 0o600); err != nil {
				t.Fatal(err)
			}
			temp := ownTemp(t)
			place := filepath.Join(temp, "imgaudit-prove-0"+string(how.kind))
			if err := os.Mkdir(place, 0o700); err != nil {
				t.Fatal(err)
			}
			b := prove.Build{Dockerfile: []byte(everything), Ignore: []byte("ignored\n"), Context: dir, Target: "wanted", Platform: "linux/" + runtime.GOARCH,
				BuildArgs: map[string]string{"WHO": "somebody"}, Secrets: []string{"id=token,src=" + token}, Contexts: map[string]string{"extra": extra}}
			lacking := func(what string) {
				t.Helper()
				var unable *prove.Unable
				if err := b.Run(t.Context(), e, filepath.Join(place, "none.tar"), nil); !errors.As(err, &unable) || unable.Lacks != what || unable.Hint() == "" {
					t.Errorf("%v, want an error that there are no %s", err, what)
				}
			}
			want := map[string]bool{"/context/kept": true, "/extra": !how.noContext, "/size": !how.noSecrets, "/context/ignored": false}
			arch, last := runtime.GOARCH, 14-len(how.lines)
			if how.noContext {
				lacking("named contexts")
				b.Contexts = nil
			}
			if how.noSecrets {
				lacking("secrets")
				b.Secrets, arch = nil, ""
				lacking("an ignore file beside the context's .dockerignore")
				if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), b.Ignore, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b.Dockerfile = without(b.Dockerfile, how.lines)
			for _, pass := range []string{"first", "again"} {
				var lines []string
				file := filepath.Join(place, pass+".tar")
				if err := b.Run(t.Context(), e, file, func(l string) { lines = append(lines, l) }); err != nil {
					t.Fatalf("%v\n%s", err, strings.Join(lines, "\n"))
				}
				img, err := layers.Read(t.Context(), layers.OCIArchive, file, layers.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if l := img.Config.Labels; l["who"] != "somebody" || l["arch"] != arch || l["stage"] != "wanted" {
					t.Errorf("labels %v", l)
				}
				for name, want := range want {
					if _, ok := img.FS.Entry(name); ok != want {
						t.Errorf("%s is there: %v, want %v", name, ok, want)
					}
				}
				if size, _ := img.FS.ReadFile("size"); string(size) != "5" && !how.noSecrets {
					t.Errorf("the secret had %q bytes, want 5", size)
				}
				if text := strings.ToLower(strings.Join(lines, "\n")); len(lines) < 5 || pass == "again" && !strings.Contains(text, "using cache") && !strings.Contains(text, "cached") {
					t.Errorf("%s: the engine said\n%s", pass, text)
				}
			}
			b.Target = ""
			var failed *prove.BuildError
			err := b.Run(t.Context(), e, filepath.Join(place, "failed.tar"), nil)
			if !errors.As(err, &failed) || failed.Line != last {
				t.Errorf("%v, which is not a build that failed in line %d: %+v", err, last, failed)
			} else if !strings.Contains(strings.Join(failed.Output, "\n"), "the builder gives up") {
				t.Errorf("the program's words are not kept: %q", failed.Output)
			}
			if err := os.RemoveAll(place); err != nil {
				t.Error(err)
			}
			nothingLeft(t, temp, []string{filepath.Base(place)})
		})
	}
}

// hanging is a Dockerfile whose build does not end. The process of its RUN is found by the directory among its arguments.
func hanging(temp string) []byte {
	return fmt.Appendf(nil, "FROM scratch\nCOPY app /app\nRUN [\"/app\", \"hang\", %q]\n", temp)
}

// without leaves the lines out that begin with one of some words.
func without(dockerfile []byte, words []string) (kept []byte) {
	for line := range bytes.Lines(dockerfile) {
		if !slices.ContainsFunc(words, func(w string) bool { return bytes.HasPrefix(line, []byte(w)) }) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// TestBuildHangs: a build that does not end is ended by its deadline, and nothing of it is left.
func TestBuildHangs(t *testing.T) {
	for _, how := range builders {
		t.Run(how.name, func(t *testing.T) {
			e := how.find(t)
			dir, _ := builderContext(t)
			temp := ownTemp(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			late := errors.New("it took too long")
			var names []string
			proof, err := prove.Prove(ctx, prove.Options{Engines: &prove.Engines{Build: e}, Build: &prove.Build{Dockerfile: hanging(temp), Context: dir},
				Progress: func(line string) {
					if strings.Contains(line, "the builder hangs") {
						names = proofs(t, temp)
						cancel(late)
					}
				}})
			if !errors.Is(err, late) {
				t.Errorf("%v, %+v; want the deadline's error", err, proof)
			}
			if len(names) != 1 {
				t.Errorf("it did not come to hang")
			}
			nothingLeft(t, temp, names)
		})
	}
}

// TestBuilderDies: an engine that dies while it builds is an error, not an image that does not build.
func TestBuilderDies(t *testing.T) {
	for _, how := range builders {
		if how.docker != "" {
			continue // the daemon that dies is the same
		}
		t.Run(how.name, func(t *testing.T) {
			e := how.find(t)
			var daemon *os.Process
			switch how.kind {
			case prove.BuildKit:
				daemon = buildkitd(t)
			case prove.Docker:
				daemon = lab.Docker(t).Process
			}
			dir, _ := builderContext(t)
			temp := ownTemp(t)
			where := temp
			if daemon != nil { // what a daemon that was killed leaves is its own
				where = "the-daemon-of-" + filepath.Base(temp)
				t.Cleanup(func() { killArgument(t, where) })
			}
			var names []string
			_, err := prove.Prove(t.Context(), prove.Options{Engines: &prove.Engines{Build: e}, Build: &prove.Build{Dockerfile: hanging(where), Context: dir},
				Progress: func(line string) {
					if !strings.Contains(line, "the builder hangs") {
						return
					}
					names = proofs(t, temp)
					if daemon == nil {
						daemon = marked(t, string(how.kind), names[0])
					}
					_ = daemon.Kill()
				}})
			want := "ended by a signal (killed)"
			if e.Kind == prove.BuildKit || e.Kind == prove.Docker {
				want = "answers no more"
			}
			var failed *prove.BuildError
			if err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want an error that says %q", err, want)
			}
			if e.Kind == prove.Docker {
				t.Setenv("DOCKER_HOST", "") // it cannot be asked
			}
			nothingLeft(t, temp, names)
		})
	}
}

// killArgument kills the processes that have an argument.
func killArgument(t *testing.T, argument string) {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		if text, _ := os.ReadFile(file); strings.Contains(string(text), "\x00"+argument+"\x00") {
			_ = syscall.Kill(number(t, filepath.Base(filepath.Dir(file))), syscall.SIGKILL)
		}
	}
}

// marked finds a proof's process by its command.
func marked(t *testing.T, command, name string) *os.Process {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, comm := range all {
		text, _ := os.ReadFile(comm)
		env, _ := os.ReadFile(filepath.Join(filepath.Dir(comm), "environ"))
		if strings.TrimSpace(string(text)) == command && strings.Contains(string(env), "IMGAUDIT_PROVE="+name) {
			if p, err := os.FindProcess(number(t, filepath.Base(filepath.Dir(comm)))); err == nil {
				return p
			}
		}
	}
	t.Errorf("no %s of %s is there", command, name)
	return nil
}
