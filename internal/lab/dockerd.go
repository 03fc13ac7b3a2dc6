package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Dockerd is a Docker daemon with a socket, a state, a bridge and a control group of its own. Nothing of this machine's
// own Docker, if there is one, is touched.
type Dockerd struct {
	Process *os.Process
	dir     string
	bridge  string
	group   string
	ended   chan struct{}
}

// Docker starts a daemon for a test, which docker finds by DOCKER_HOST, and its client is the first in PATH. It skips where there
// is no root or nobody has unpacked Docker (internal/ci/docker.sh); with CI=true it unpacks it, and fails.
func Docker(t testing.TB) *Dockerd {
	t.Helper()
	if testing.Short() {
		t.Skip("short: starts a Docker daemon")
	}
	if os.Geteuid() != 0 {
		Lacking(t, "not root: cannot start a Docker daemon")
	}
	programs, err := programsOf("docker", "docker", "docker.sh")
	if err != nil {
		Lacking(t, "%v", err)
	}
	d, err := startDockerd(programs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(d.dir, "socket"))
	t.Setenv("DOCKER_CONFIG", filepath.Join(d.dir, "config"))
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	return d
}

// startDockerd starts a daemon and waits until it answers. Its firewall and the machine's forwarding stay as they are: its
// containers reach nothing but each other.
func startDockerd(programs string) (*Dockerd, error) {
	dir, err := os.MkdirTemp("", "dockerd") // the name of a socket is short
	if err != nil {
		return nil, err
	}
	name := "imgaudit" + strings.TrimPrefix(filepath.Base(dir), "dockerd")
	d := &Dockerd{dir: dir, bridge: name[:min(len(name), unix.IFNAMSIZ-1)], group: name, ended: make(chan struct{})}
	if err := d.start(programs); err != nil {
		return nil, errors.Join(fmt.Errorf("starting dockerd: %w", err), d.tidy())
	}
	for range 200 {
		select {
		case <-d.ended:
		default:
			if exec.Command(filepath.Join(programs, "docker"), "--host", "unix://"+filepath.Join(dir, "socket"), "version").Run() == nil {
				return d, nil
			}
			time.Sleep(50 * time.Millisecond)
			continue
		}
		break
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	return nil, errors.Join(fmt.Errorf("starting dockerd: it does not answer:\n%s", Tail(string(log), 10)), d.Stop())
}

// start starts the process, which ends with this one.
func (d *Dockerd) start(programs string) error {
	if err := bridge(unix.SIOCBRADDBR, d.bridge); err != nil {
		return fmt.Errorf("making a bridge: %w", err)
	}
	log, err := os.Create(filepath.Join(d.dir, "log"))
	if err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(d.dir, name) }
	cmd := exec.Command(filepath.Join(programs, "dockerd"), "--host", "unix://"+at("socket"), "--data-root", at("data"), "--exec-root", at("run"), "--pidfile", at("pid"),
		"--config-file", at("daemon.json"), "--bridge", d.bridge, "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/"+d.group)
	cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := os.WriteFile(at("daemon.json"), []byte("{}"), 0o600); err != nil {
		return err
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the signal comes when this thread ends
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(d.ended)
		}
		log.Close()
	}()
	if err := <-started; err != nil {
		return err
	}
	d.Process = cmd.Process
	return nil
}

// stopTime is how long a daemon may take to end its containers and itself.
const stopTime = 20 * time.Second

// Stop ends the daemon, if it has not ended yet, and removes all that it left.
func (d *Dockerd) Stop() error {
	_ = d.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(stopTime):
		_ = d.Process.Kill()
		<-d.ended
	}
	return d.tidy()
}

// tidy removes what a daemon that was killed leaves: containerd and its shims, containers, mounts, and in any case the
// bridge, the control groups and the files.
func (d *Dockerd) tidy() error {
	for range 50 {
		if !d.killAll() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], d.dir+"/") {
			_ = syscall.Unmount(fields[4], syscall.MNT_DETACH)
		}
	}
	return errors.Join(d.removeGroups(), bridge(unix.SIOCBRDELBR, d.bridge), os.RemoveAll(d.dir))
}

// killAll kills the processes that have the daemon's directory among their arguments or are in its control groups, and
// reports whether there was one.
func (d *Dockerd) killAll() (any bool) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range all {
		args, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		groups, _ := os.ReadFile(filepath.Join(p, "cgroup"))
		if pid, err := strconv.Atoi(filepath.Base(p)); err == nil && pid != os.Getpid() && (strings.Contains(string(args), d.dir+"/") || strings.Contains(string(groups), "/"+d.group)) {
			any = syscall.Kill(pid, syscall.SIGKILL) == nil || any
		}
	}
	return any
}

// removeGroups removes the control groups of the daemon, those of its containers first.
func (d *Dockerd) removeGroups() (failed error) {
	roots, err := filepath.Glob("/sys/fs/cgroup/*/" + d.group)
	if err != nil {
		return err
	}
	for _, root := range append(roots, "/sys/fs/cgroup/"+d.group) {
		var dirs []string
		_ = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				dirs = append(dirs, name)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			if err := syscall.Rmdir(dir); err != nil && err != syscall.ENOENT {
				failed = errors.Join(failed, fmt.Errorf("removing control group %s: %w", dir, err))
			}
		}
	}
	return failed
}

// bridge makes or removes a network bridge, which has to be down to be removed. Source: Linux, net/bridge/br_ioctl.c: the
// argument is a name, with which an ifreq begins.
func bridge(request uint, name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	named, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if request == unix.SIOCBRDELBR {
		named.SetUint16(0)
		_ = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, named)
	}
	return unix.IoctlIfreq(fd, request, named)
}
