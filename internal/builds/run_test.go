package builds

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// outcome is what a container did.
type outcome struct {
	code   int
	output string
}

// runTime bounds a container that ends by itself; stopTime one that is asked to stop.
const (
	runTime  = 30 * time.Second
	stopTime = 2
)

// start runs an archive's image with podman until it ends. The network is this machine's: the peers of the examples listen
// on its loopback.
func (l *rig) start(t *testing.T, archive string) outcome {
	t.Helper()
	return l.run(t, archive, runTime)
}

func (l *rig) run(t *testing.T, archive string, limit time.Duration) outcome {
	t.Helper()
	image := l.load(t, archive)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	name := l.name(t)
	out, err := l.podman(ctx, "run", "--rm", "--name", name, "--network", "host", "--read-only-tmpfs=false", "--passwd=false", image)
	if ctx.Err() != nil {
		_, _ = l.podman(context.Background(), "rm", "-f", "-t", "0", name)
	}
	return outcome{code: exitCode(err), output: out}
}

// stop runs an image for a second, then asks it to stop.
func (l *rig) stop(t *testing.T, archive string) outcome {
	t.Helper()
	image, name := l.load(t, archive), l.name(t)
	ctx := t.Context()
	if out, err := l.podman(ctx, "run", "-d", "--name", name, "--network", "host", "--read-only-tmpfs=false", "--passwd=false", image); err != nil {
		return outcome{code: exitCode(err), output: out}
	}
	defer func() { _, _ = l.podman(context.Background(), "rm", "-f", "-t", "0", name) }()
	time.Sleep(time.Second)
	_, _ = l.podman(ctx, "stop", "-t", fmt.Sprint(stopTime), name)
	state, err := l.podman(ctx, "inspect", "-f", "{{.State.ExitCode}}", name)
	if err != nil {
		t.Fatal(state)
	}
	logs, _ := l.podman(ctx, "logs", name)
	o := outcome{output: logs}
	_, _ = fmt.Sscan(state, &o.code)
	return o
}

// loaded are the images that podman was given. They go with the lab: tests may have the same one.
var loaded sync.Map

// load gives podman an archive.
func (l *rig) load(t *testing.T, archive string) string {
	t.Helper()
	out, err := l.podman(t.Context(), "load", "-q", "-i", archive)
	if err != nil {
		t.Fatalf("loading the image: %s", out)
	}
	_, image, _ := strings.Cut(out, ": ")
	image = strings.TrimSpace(image)
	loaded.Store(image, true)
	return image
}

// unload takes the images away that load gave podman.
func (l *rig) unload() {
	loaded.Range(func(image, _ any) bool {
		_, _ = l.podman(context.Background(), "rmi", "-f", image.(string))
		return true
	})
}

func (l *rig) name(t *testing.T) string {
	return "imgaudit-builds-" + strings.NewReplacer("/", "-", "@", "-", "#", "-").Replace(t.Name())
}

// podman runs podman with the storage and the limits of internal/ci.
func (l *rig) podman(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "podman", args...)
	cmd.Env = os.Environ()
	for name, value := range l.storage() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// storage is the environment by which podman and buildah find their storage, and the lab's registry.
func (l *rig) storage() map[string]string {
	return map[string]string{"CONTAINERS_CONF": l.Work + "/containers.conf", "CONTAINERS_STORAGE_CONF": l.Work + "/storage.conf",
		"CONTAINERS_REGISTRIES_CONF": l.Work + "/registries.conf", "BUILDAH_ISOLATION": "chroot"}
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return -1
}
