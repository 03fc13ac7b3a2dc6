package builds

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lab is where the builds of this test run happen.
type lab struct {
	work     string // of internal/ci/base-images.sh
	registry string // on loopback, HOST:PORT
	socket   string // of the BuildKit daemon
	images   map[string]string
}

// the is the lab of this run, nil where builds are not possible, and why.
var (
	the     *lab
	lacking string
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getuid() != 0 {
		lacking = "BuildKit needs root"
	} else if os.Getenv("CI") == "" && os.Getenv("IMGAUDIT_BUILDS") == "" {
		lacking = "real builds take minutes: set IMGAUDIT_BUILDS=1"
	}
	if lacking != "" {
		return m.Run()
	}
	l, stop, err := open()
	if err != nil {
		fmt.Fprintln(os.Stderr, "builds:", err)
		return 3
	}
	defer stop()
	the = l
	defer l.unload()
	return m.Run()
}

// need returns the lab or skips the test.
func need(t *testing.T) *lab {
	t.Helper()
	if the == nil {
		t.Skip(lacking)
	}
	return the
}

// open serves the base images, starts a BuildKit daemon, and makes the stand-ins.
func open() (*lab, func(), error) {
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
	l := &lab{work: words[0], registry: words[1]}
	if err := serveModules(); err != nil {
		return nil, nil, err
	}
	stop, err := l.startDaemon()
	if err != nil {
		return nil, nil, err
	}
	if err := l.makeStandIns(); err != nil {
		stop()
		return nil, nil, err
	}
	return l, stop, nil
}

// modulesAt is where the stand-ins of golang look for modules: GOPROXY in testdata/standins/Dockerfile.
const modulesAt = "127.0.0.1:5058"

// serveModules serves this machine's module cache, which has the form of a module proxy. Source: go.dev/ref/mod, "Module
// cache": cache/download is the directory that GOPROXY can point to.
func serveModules() error {
	cache, err := output("go", "env", "GOMODCACHE")
	if err != nil {
		return fmt.Errorf("asking for the module cache: %w", err)
	}
	l, err := net.Listen("tcp", modulesAt)
	if err != nil {
		return fmt.Errorf("serving modules: %w", err)
	}
	go func() { _ = http.Serve(l, http.FileServer(http.Dir(filepath.Join(cache, "cache", "download")))) }()
	return nil
}

// startDaemon starts a BuildKit daemon with a state of its own, which keeps its cache from run to run.
func (l *lab) startDaemon() (stop func(), err error) {
	dir, err := os.MkdirTemp("", "imgaudit-builds")
	if err != nil {
		return nil, err
	}
	l.socket = "unix://" + filepath.Join(dir, "buildkitd.sock")
	log, err := os.Create(filepath.Join(l.work, "builds.log"))
	if err != nil {
		return nil, err
	}
	daemon := exec.Command(filepath.Join(l.work, "bin/buildkitd"), "--root", filepath.Join(l.work, "builds"), "--addr", l.socket,
		"--config", filepath.Join(l.work, "buildkitd.toml"), "--containerd-worker=false", "--oci-worker-binary", "runc", "--oci-worker-net", "host")
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
		if l.buildctl("debug", "workers").Run() == nil {
			return stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, fmt.Errorf("starting buildkitd: it does not answer: see %s", log.Name())
}

func (l *lab) buildctl(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(l.work, "bin/buildctl"), append([]string{"--addr", l.socket}, args...)...)
}
