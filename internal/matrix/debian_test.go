package matrix

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// packaged is a program of a Debian package.
type packaged struct {
	pack, file string
	proven     string // the topics that may be called proven, because the code does it without being asked to
	signals    string // as in a truth, from the program's source; "-" if only the run decides
	listens    bool
	// run is the arguments with which the program at a path stays, in an empty directory; nil if nothing of it stays.
	run func(file, dir string) []string
	// dies says why a signal that it handles kills it all the same.
	dies string
}

// real are the programs. Directories are their first argument's; ports are chosen by the kernel where they can be.
var real = []packaged{
	{"age", "usr/bin/age", "", "", false, func(_, _ string) []string {
		return []string{"-r", "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z"}
	}, ""},
	{"age", "usr/bin/age-keygen", "local-time", "", false, nil, ""},
	{"caddy", "usr/bin/caddy", "", "-", true, func(_, dir string) []string {
		return []string{"file-server", "--listen", "127.0.0.1:0", "--root", dir}
	}, ""},
	{"direnv", "usr/bin/direnv", "", "-", false, nil, ""},
	{"docker-registry", "usr/bin/docker-registry", "", "-", true, func(_, dir string) []string {
		return []string{"serve", put(dir, "c.yml", "version: 0.1\nstorage: {filesystem: {rootdirectory: "+dir+"}}\nhttp: {addr: \"127.0.0.1:0\", draintimeout: 5s}\n")}
	}, "bugsnag catches SIGINT, and only where it is configured"},
	{"docker.io", "usr/sbin/docker-proxy", "", "-", true, nil, ""},
	{"docker.io", "usr/sbin/dockerd", "user-database resolver exec local-time temp-dir", "-", true, nil, ""},
	{"etcd-server", "usr/bin/etcd", "local-time", "2 15", true, func(_, dir string) []string {
		socket := "unix://127.0.0.1:"
		return []string{"--data-dir", dir, "--listen-client-urls", socket + "7", "--advertise-client-urls", socket + "7",
			"--listen-peer-urls", socket + "8", "--initial-advertise-peer-urls", socket + "8", "--initial-cluster", "default=" + socket + "8"}
	}, "it takes its handler away and sends itself the signal again (pkg/osutil/interrupt_unix.go)"},
	{"gh", "usr/bin/gh", "", "-", true, nil, ""},
	{"hugo", "usr/bin/hugo", "", "2 15", true, nil, ""},
	{"lego", "usr/bin/lego", "", "", true, nil, ""},
	{"nats-server", "usr/sbin/nats-server", "local-time", "-", true, func(_, _ string) []string {
		return []string{"-a", "127.0.0.1", "-p", "-1"}
	}, ""},
	{"podman", "usr/bin/podman", "", "-", true, nil, ""},
	{"prometheus", "usr/bin/prometheus", "resolver", "-", true, func(_, dir string) []string {
		return []string{"--config.file=" + put(dir, "p.yml", "global: {}\n"), "--storage.tsdb.path=" + dir, "--web.listen-address=127.0.0.1:0"}
	}, ""},
	{"prometheus", "usr/bin/promtool", "", "", false, nil, ""},
	{"prometheus-node-exporter", "usr/bin/prometheus-node-exporter", "", "", true, func(_, _ string) []string {
		return []string{"--web.listen-address=127.0.0.1:0"}
	}, ""},
	{"rclone", "usr/bin/rclone", "", "-", true, func(_, dir string) []string {
		return []string{"serve", "http", "--addr", "127.0.0.1:0", dir}
	}, "serve http registers nothing that lib/atexit would wait for, so there is no handler"},
	{"restic", "usr/bin/restic", "", "-", false, func(file, dir string) []string {
		args := []string{"--no-cache", "--repo=" + dir, "--password-command=echo secret"}
		if err := exec.Command(file, append(args, "init")...).Run(); err != nil {
			return nil
		}
		return append(args, "backup", "--stdin")
	}, ""},
	{"skopeo", "usr/bin/skopeo", "", "-", false, nil, ""},
	{"syncthing", "usr/bin/syncthing", "", "-", true, func(_, dir string) []string {
		return []string{"serve", "--no-browser", "--no-restart", "--no-default-folder", "--gui-address=127.0.0.1:0", "--home=" + dir}
	}, ""},
	{"webhook", "usr/bin/webhook", "", "-", true, func(_, dir string) []string {
		return []string{"-ip", "127.0.0.1", "-verbose", "-port", "0", "-hooks", put(dir, "h.json", "[]")}
	}, ""},
}

// put writes a file and returns its name; a program that lacks it says so.
func put(dir, name, text string) string {
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err.Error()
	}
	return file
}

// TestDebian reads programs as Debian built them, holds the facts against the table, and sends each that can be
// started every signal that a service is sent: a program that dies of it does not handle it.
func TestDebian(t *testing.T) {
	if !full() {
		t.Skip("takes 150 MB of Debian packages: set IMGAUDIT_MATRIX=all")
	}
	root := t.TempDir()
	tried := 0
	programs := slices.Concat(real, fresh)
	for _, p := range programs {
		t.Run(p.pack+"/"+filepath.Base(p.file), func(t *testing.T) {
			file := filepath.Join(unpack(t, root, p.pack), p.file)
			b := read(t, file)
			p.check(t, b)
			if p.run != nil {
				tried += p.signal(t, b, file)
			}
		})
	}
	t.Logf("%d programs, %d signals sent", len(programs), tried)
}

// unpack downloads a package, if there is one, into a directory of its own; nothing is installed.
func unpack(t *testing.T, root, pack string) string {
	t.Helper()
	dir := filepath.Join(root, pack)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	debs := filepath.Join(cache, "imgaudit-matrix", "debian")
	for _, d := range []string{dir, debs} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	found := func() []string {
		names, _ := filepath.Glob(filepath.Join(debs, pack+"_*.deb")) // the pattern is well-formed
		return names
	}
	if len(found()) == 0 {
		get := exec.Command("apt-get", "download", pack)
		get.Dir = debs
		if out, err := get.CombinedOutput(); err != nil || len(found()) == 0 {
			t.Skipf("apt-get download %s: %v: %s", pack, err, out)
		}
	}
	if out, err := exec.Command("dpkg-deb", "-x", found()[0], dir).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb -x: %v: %s", err, out)
	}
	return dir
}

// check compares the facts with the table: what it does not call proven is not.
func (p packaged) check(t *testing.T, b *binary.Binary) {
	if b.Go == nil || b.Opaque != "" {
		t.Fatalf("Go %v, opaque %q", b.Go, b.Opaque)
	}
	allowed := append(words(p.proven), string(binary.TopicLoader), string(binary.TopicLibraries))
	for _, n := range b.Needs {
		if n.Certainty == binary.Proven && !slices.Contains(allowed, string(n.Topic)) {
			t.Errorf("false proven: %s %q\n%s", n.Topic, n.Names, evidence(b, string(n.Topic)))
		}
	}
	imports := slices.ContainsFunc(b.ELF.Undefined, func(s binary.Symbol) bool { return s.Name == "getaddrinfo" })
	if n, ok := b.Need(binary.TopicResolver); ok && slices.Contains(n.Names, binary.ResolverCgo) != imports {
		t.Errorf("imports getaddrinfo: %v, and the resolver is %q", imports, n.Names)
	}
	if p.listens && !b.Server.Listens {
		t.Error("listens, and is said not to")
	}
	if p.signals == "-" {
		return
	}
	truth := program{}
	if err := truth.tellSignals(words(p.signals)); err != nil {
		t.Fatal(err)
	}
	if o := judgeSignals(truth.signals, b.Signals); o != agrees && o != weaker {
		t.Errorf("signals: %v: got %s\n%s", o, showSignals(b.Signals), evidence(b, "signals"))
	}
}

// sent are the signals that are tried: those of which the runtime lets a program die that does not handle them, QUIT
// aside, at which it prints its goroutines. Source: runtime/sigtab_linux_generic.go.
var sent = []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}

// signal starts the program anew for each signal, and returns how many told something.
func (p packaged) signal(t *testing.T, b *binary.Binary, file string) (tried int) {
	for _, s := range sent {
		handled, err := p.survives(t, file, s)
		if err != nil {
			t.Logf("%v: %v", s, err)
			continue
		}
		tried++
		says, known := b.Signals.Handles(int(s))
		t.Logf("%v: lives: %v; foretold %v, known %v", s, handled, says, known)
		switch {
		case known && says && !handled && p.dies != "":
			t.Logf("%v: %s", s, p.dies)
		case known && says != handled:
			t.Errorf("%v: lives: %v, and foretold is %v: %s", s, handled, says, showSignals(b.Signals))
		}
	}
	return tried
}

// survives says whether the program is not killed by a signal.
func (p packaged) survives(t *testing.T, file string, s syscall.Signal) (bool, error) {
	t.Helper()
	dir := t.TempDir()
	var out strings.Builder
	c := exec.Command(file, p.run(file, dir)...)
	c.Dir, c.Stdout, c.Stderr = dir, &out, &out
	c.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "XDG_CONFIG_HOME=" + dir}
	input, err := c.StdinPipe() // stays open
	if err != nil {
		return false, err
	}
	defer input.Close()
	if err := c.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		return false, fmt.Errorf("ended by itself: %w: %.300s", errors.Join(err), out.String())
	case <-time.After(2 * time.Second):
	}
	if err := c.Process.Signal(s); err != nil {
		return false, err
	}
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
		if err := c.Process.Kill(); err != nil {
			return false, err
		}
		<-ended
		return true, nil
	}
	status, ok := c.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		return false, errors.New("no wait status")
	}
	return !status.Signaled(), nil
}
