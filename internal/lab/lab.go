// Package lab builds Dockerfiles with a real BuildKit on stand-ins of the public base images, which come from the registry
// on loopback of internal/ci/base-images.sh.
//
// It must only be imported by tests.
package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Lab is where the builds of one test run happen.
type Lab struct {
	Work     string            // of internal/ci/base-images.sh
	Registry string            // on loopback, HOST:PORT
	Socket   string            // of the BuildKit daemon, as BUILDKIT_HOST takes it
	Images   map[string]string // of the stand-ins, by the stage of their Dockerfile
}

// Open serves the base images, starts a BuildKit daemon whose cache is kept under a name, and makes the stand-ins. The
// directory of the test that calls it is one below internal.
func Open(name string) (*Lab, func(), error) {
	ci, err := filepath.Abs("../ci")
	if err != nil {
		return nil, nil, err
	}
	script := `set -e; "$1/base-images.sh" >&2; . "${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}/env.sh"; "$1/buildkit.sh" --install; echo "$IMGAUDIT_CI_DIR $IMGAUDIT_REGISTRY"`
	cmd := exec.Command("bash", "-c", script, "bash", ci)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("making the base images: %w", err)
	}
	words := strings.Fields(string(out))
	if len(words) != 2 {
		return nil, nil, fmt.Errorf("making the base images: %q", out)
	}
	l := &Lab{Work: words[0], Registry: words[1]}
	stop, err := l.startDaemon(name)
	if err != nil {
		return nil, nil, err
	}
	if err := l.makeStandIns(); err != nil {
		stop()
		return nil, nil, err
	}
	return l, stop, nil
}

// startDaemon starts a BuildKit daemon with a state of its own, which keeps its cache from run to run.
func (l *Lab) startDaemon(name string) (stop func(), err error) {
	dir, err := os.MkdirTemp("", "imgaudit-"+name)
	if err != nil {
		return nil, err
	}
	l.Socket = "unix://" + filepath.Join(dir, "buildkitd.sock")
	log, err := os.Create(filepath.Join(l.Work, name+".log"))
	if err != nil {
		return nil, err
	}
	daemon := exec.Command(filepath.Join(l.Work, "bin/buildkitd"), "--root", filepath.Join(l.Work, name), "--addr", l.Socket,
		"--config", filepath.Join(l.Work, "buildkitd.toml"), "--containerd-worker=false", "--oci-worker-binary", "runc", "--oci-worker-net", "host")
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		return nil, fmt.Errorf("starting buildkitd: %w", err)
	}
	stop = func() {
		_ = daemon.Process.Signal(os.Interrupt)
		_ = daemon.Wait()
		log.Close()
		os.RemoveAll(dir)
	}
	for range 200 {
		if l.Buildctl("debug", "workers").Run() == nil {
			return stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, fmt.Errorf("starting buildkitd: it does not answer: see %s", log.Name())
}

// Buildctl is a command of BuildKit's client.
func (l *Lab) Buildctl(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(l.Work, "bin/buildctl"), append([]string{"--addr", l.Socket}, args...)...)
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	return strings.TrimSpace(string(out)), err
}

// Tail is the last lines of a text.
func Tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
