package prove_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// proveIn proves an archive as it was built and returns what comes of it; seen gets what is there while it runs.
func proveIn(t *testing.T, e *prove.Engines, archive string, needs prove.Needs, seen func()) (*audit.Proof, error) {
	t.Helper()
	if seen != nil {
		go seen()
	}
	return prove.Prove(t.Context(), prove.Options{Engines: e, Archive: archive, Needs: needs, Only: []string{"as built"}, RulesFor: rulesFor, Audit: auditArchive})
}

// TestRunnerDies: an engine that dies while the program runs is an error, and nothing is left.
func TestRunnerDies(t *testing.T) {
	for _, c := range []struct {
		kind    prove.Kind
		command string
	}{{prove.Runc, "runc"}, {prove.Podman, "podman"}, {prove.Podman, "conmon"}} {
		t.Run(string(c.kind)+" "+c.command, func(t *testing.T) {
			e := engine(t, c.kind)
			image := archive(t, layers.Config{Entrypoint: []string{"/app"}}, layers.File{Path: "app", Mode: 0o755, Data: program(t, "stubborn")})
			temp := ownTemp(t)
			names := make(chan []string, 1)
			_, err := proveIn(t, e, image, prove.Needs{Watch: 5 * time.Second, Grace: time.Second}, func() {
				var all []string
				defer func() { names <- all }()
				for range 1000 {
					time.Sleep(10 * time.Millisecond)
					all = proofs(t, temp)
					if pids, _ := filepath.Glob(filepath.Join(temp, "*", "*", "*.pid")); len(all) == 1 && (len(pids) > 0 || exists(filepath.Join(temp, all[0], all[0]+"-1", "pid"))) {
						time.Sleep(300 * time.Millisecond)
						end(t, c.command, temp)
						return
					}
				}
			})
			if err == nil || !strings.Contains(err.Error(), "waiting for the container's end") {
				t.Errorf("%v, want an error of the engine", err)
			}
			nothingLeft(t, temp, <-names)
		})
	}
}

// TestDockerDies: a daemon that dies while the program runs is an error, not something that the program does.
func TestDockerDies(t *testing.T) {
	e := engine(t, prove.Docker)
	daemon := lab.Docker(t).Process
	image := archive(t, layers.Config{Entrypoint: []string{"/app"}}, layers.File{Path: "app", Mode: 0o755, Data: program(t, "stubborn")})
	temp := ownTemp(t)
	_, err := proveIn(t, e, image, prove.Needs{Watch: 5 * time.Second, Grace: time.Second}, func() {
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			if pids, _ := filepath.Glob(filepath.Join(temp, "*", "*", "*.pid")); len(pids) > 0 {
				time.Sleep(300 * time.Millisecond)
				_ = daemon.Kill()
				return
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "asking how the container ended: docker inspect: ") {
		t.Errorf("%v, want an error of the engine", err)
	}
	t.Setenv("DOCKER_HOST", "") // it cannot be asked; what it left is its own
	if files, _ := os.ReadDir(temp); len(files) > 0 {
		t.Errorf("%v is left", files)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// end kills the engine's process that has a directory among its arguments.
func end(t *testing.T, command, temp string) {
	all, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, comm := range all {
		name, _ := os.ReadFile(comm)
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(comm), "cmdline"))
		if strings.TrimSpace(string(name)) == command && strings.Contains(string(args), temp) {
			_ = syscall.Kill(number(t, filepath.Base(filepath.Dir(comm))), syscall.SIGKILL)
		}
	}
}

// TestDiskFull: a full disk is an error that says so, and nothing is left on it.
func TestDiskFull(t *testing.T) {
	e := engine(t, prove.Runc)
	image := archive(t, layers.Config{Entrypoint: []string{"/app"}}, layers.File{Path: "app", Mode: 0o755, Data: program(t, "plain")})
	info, err := os.Stat(image)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []int64{2, 8} { // not enough for the changed copy; not enough for the files beside it
		temp := ownTemp(t)
		if err := unix.Mount("tmpfs", temp, "tmpfs", 0, "size="+sizeOf(info.Size()*part/4)); err != nil {
			t.Skipf("mounting a small disk: %v", err)
		}
		_, err = proveIn(t, e, image, prove.Needs{}, nil)
		if err == nil || !strings.Contains(err.Error(), "no space left on device") {
			t.Errorf("%v, want an error that says that the disk is full", err)
		}
		if files, _ := os.ReadDir(temp); len(files) > 0 {
			t.Errorf("%v is left", files)
		}
		if err := unix.Unmount(temp, 0); err != nil {
			t.Error(err)
		}
	}
}

func sizeOf(n int64) string { return strconv.FormatInt(n>>10, 10) + "k" }

// TestStubborn: a program that ignores its stop signal is killed, and the step says so.
func TestStubborn(t *testing.T) {
	for _, kind := range []prove.Kind{prove.Runc, prove.Podman, prove.Docker} {
		e := engine(t, kind)
		image := archive(t, layers.Config{Entrypoint: []string{"/app"}}, layers.File{Path: "app", Mode: 0o755, Data: program(t, "stubborn")})
		temp := ownTemp(t)
		p, err := proveIn(t, e, image, prove.Needs{Grace: time.Second}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if o := p.Steps[0].Observed; o.Stop == nil || !o.Stop.Lost || o.Signal != "killed" {
			t.Errorf("%s: %+v: %s", kind, p.Steps[0].Observed, p.Steps[0].Because)
		}
		nothingLeft(t, temp, nil)
	}
}

// TestPortTaken: a port at which the world is to listen twice is an error that says so.
func TestPortTaken(t *testing.T) {
	e := engine(t, prove.Runc)
	image := archive(t, layers.Config{Entrypoint: []string{"/app"}}, layers.File{Path: "app", Mode: 0o755, Data: program(t, "plain")})
	temp := ownTemp(t)
	_, err := proveIn(t, e, image, prove.Needs{TLSPorts: []string{"8443", "8443"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("%v, want an error that says that the port is taken", err)
	}
	nothingLeft(t, temp, nil)
}

// TestSurvivor: a container that survives SIGKILL, here an engine that never ends, is waited for no longer than a moment.
func TestSurvivor(t *testing.T) {
	engine(t, prove.Runc)
	fake := filepath.Join(t.TempDir(), "runc")
	// It starts a program, writes its process ID, and stays when the program ends.
	script := "#!/bin/sh\nfor a; do case $last in --pid-file) file=$a;; esac; last=$a; done\n[ -n \"$file\" ] || exit 0\nsleep 1000 & echo $! > $file\nexec sleep 1000\n"
	writeScript(t, fake, script)
	image := archive(t, layers.Config{Entrypoint: []string{"/app"}}, layers.File{Path: "app", Mode: 0o755, Data: program(t, "plain")})
	temp := ownTemp(t)
	began := time.Now()
	_, err := proveIn(t, &prove.Engines{Run: &prove.Engine{Kind: prove.Runc, Path: fake}}, image, prove.Needs{Ready: 100 * time.Millisecond, Grace: 100 * time.Millisecond}, nil)
	if err == nil || !strings.Contains(err.Error(), "has not ended 5 s after its program was sent SIGKILL") {
		t.Errorf("%v, want an error that says that it did not end", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	nothingLeft(t, temp, nil)
}

// TestFrozen: a container that does not take a signal for a while, as one that waits for a disk, is waited for, and nothing
// of it is left.
func TestFrozen(t *testing.T) {
	const freezer = "/sys/fs/cgroup/freezer"
	e := engine(t, prove.Runc)
	if !exists(freezer) {
		t.Skip("no freezer of control groups, version 1")
	}
	image := archive(t, layers.Config{Entrypoint: []string{"/app"}}, layers.File{Path: "app", Mode: 0o755, Data: program(t, "plain")})
	temp := ownTemp(t)
	names := make(chan []string, 1)
	p, err := proveIn(t, e, image, prove.Needs{Watch: time.Second, Grace: time.Second}, func() {
		var all []string
		defer func() { names <- all }()
		for range 500 {
			time.Sleep(10 * time.Millisecond)
			if all = proofs(t, temp); len(all) != 1 || !exists(filepath.Join(temp, all[0], all[0]+"-1", "pid")) {
				continue
			}
			time.Sleep(300 * time.Millisecond) // it listens
			state := filepath.Join(freezer, all[0]+"-1", "freezer.state")
			if err := os.WriteFile(state, []byte("FROZEN"), 0o600); err != nil {
				t.Error(err)
			}
			time.Sleep(4 * time.Second) // beyond the time for the signal, and then some
			if err := os.WriteFile(state, []byte("THAWED"), 0o600); err != nil {
				t.Error(err)
			}
			return
		}
	})
	left := <-names
	if err != nil {
		t.Fatal(err)
	}
	if o := p.Steps[0].Observed; o.Stop == nil || !o.Stop.Lost {
		t.Errorf("%+v: %s, want a signal that did not end it in time", o, p.Steps[0].Because)
	}
	nothingLeft(t, temp, left)
}

// TestBuildx: what docker's plugin is told, which is not in Debian 12; every other way of docker's is tried for real.
func TestBuildx(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	saved := filepath.Join(dir, "saved.tar")
	imagetest.WriteDockerArchive(t, saved, []string{"built:1"}, imagetest.Image{Config: layers.Config{User: "7"}, Layers: [][]layers.File{{{Path: "app", Data: []byte("#!")}}}}.Build(t))
	script := `#!/bin/sh
echo "$DOCKER_BUILDKIT $@" >> ` + log + `
case "$1 $2" in
"version --format") echo 28.2.2;;
"images --quiet") echo 0123456789ab;;
"save --output") cp ` + saved + ` "$3";;
esac
`
	writeScript(t, filepath.Join(dir, "docker"), script)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DOCKER_BUILDKIT", "")
	e, err := prove.Find(t.Context(), "docker", true)
	if err != nil || e.Build.String() != "docker 28.2.2 (buildx)" || e.Run.String() != "docker 28.2.2" {
		t.Fatalf("%v, %v", e, err)
	}
	place := filepath.Join(dir, "imgaudit-prove-1")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	b := prove.Build{Dockerfile: []byte("FROM scratch\n"), Context: "CONTEXT", Target: "T", BuildArgs: map[string]string{"A": "1"}, Secrets: []string{"id=s,src=f"}, Contexts: map[string]string{"n": "d"}, NoCache: true}
	for _, epoch := range []string{"", "315532800"} {
		b.Epoch = epoch
		archive := filepath.Join(place, "built.tar")
		if err := b.Run(t.Context(), e.Build, archive, nil); err != nil {
			t.Fatal(err)
		}
		if img, err := layers.Read(t.Context(), layers.OCIArchive, archive, layers.Options{}); err != nil || img.Config.User != "7" {
			t.Errorf("%+v, %v", img, err)
		}
	}
	const build = "1 buildx build --progress plain %s --file PLACE/DOCKERFILE/Dockerfile --tag localhost/imgaudit-prove-1:built --target T --build-arg A=1 --secret id=s,src=f --build-context n=d --no-cache CONTEXT\n"
	const kept = " save --output PLACE/built.tar.saved localhost/imgaudit-prove-1:built\n images --quiet localhost/imgaudit-prove-1:built\n rmi localhost/imgaudit-prove-1:built\n"
	want := " version --format {{.Server.Version}}\n buildx version\n version --format {{.Server.Version}}\n" + fmt.Sprintf(build, "--load") + kept + fmt.Sprintf(build, "--output=type=docker,rewrite-timestamp=true") + kept
	got := dockerfileName.ReplaceAllString(strings.ReplaceAll(string(read(t, log)), place, "PLACE"), "/DOCKERFILE/")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

var dockerfileName = regexp.MustCompile(`/dockerfile[0-9]+/`)

// TestBuilderWanted: DOCKER_BUILDKIT is obeyed, and what it asks for may be absent.
func TestBuilderWanted(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ client, wanted, builder, because string }{
		{"20.10.24+dfsg1", "", "BuildKit", ""},
		{"20.10.24+dfsg1", "0", "classic builder", ""},
		{"20.10.24+dfsg1", "1", "BuildKit", ""},
		{"28.2.2", "", "classic builder", ""},
		{"28.2.2", "false", "classic builder", ""},
		{"28.2.2", "1", "", "DOCKER_BUILDKIT asks for BuildKit, for which docker 28.2.2 needs its plugin buildx"},
		{"28.2.2", "yes", "", `DOCKER_BUILDKIT is "yes", which is no boolean`},
	} {
		script := "#!/bin/sh\n[ \"$1\" = version ] && echo " + c.client + "\n"
		writeScript(t, filepath.Join(dir, "docker"), script)
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		t.Setenv("DOCKER_BUILDKIT", c.wanted)
		e, err := prove.Find(t.Context(), "docker", true)
		switch {
		case c.because == "" && (err != nil || e.Build.Builder != c.builder):
			t.Errorf("%+v: %v, %v", c, e, err)
		case c.because != "" && (err == nil || !strings.Contains(err.Error(), c.because)):
			t.Errorf("%+v: %v", c, err)
		}
	}
}
