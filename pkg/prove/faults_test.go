package prove_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
	for _, kind := range []prove.Kind{prove.Runc, prove.Podman} {
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
	if err := os.WriteFile(fake, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
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

// TestDockerCommands: no daemon is needed to see what docker would be told.
func TestDockerCommands(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	// It answers as docker does, builds the archive that it finds in a file, and notes its arguments.
	image := archive(t, layers.Config{Entrypoint: []string{"/app"}, User: "7"}, layers.File{Path: "app", Mode: 0o755, Data: []byte("#!")})
	script := `#!/bin/sh
echo "$@" >> ` + log + `
case "$1 $2" in
"version --format") echo 28.2.2;;
"buildx build") for a; do case $a in type=oci,dest=*) cp ` + image + ` "${a#type=oci,dest=}";; esac; done; echo '#1 building';;
"load --quiet") echo "Loaded image: loaded:1";;
"inspect --type") echo '{"Status":"exited","Pid":0,"ExitCode":0}';;
run*) for a; do [ "$last" = --cidfile ] && echo 0123456789ab > "$a"; last=$a; done;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot make a network for a container")
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	temp := ownTemp(t)
	e, err := prove.Find(t.Context(), "docker", true)
	if err != nil || e.Build.String() != "docker 28.2.2" || e.Run.Kind != prove.Docker {
		t.Fatalf("%v, %v", e, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := prove.Prove(ctx, prove.Options{Engines: e, Build: &prove.Build{Dockerfile: []byte("FROM scratch\n"), Context: "CONTEXT", Target: "T", Platform: "linux/arm64", BuildArgs: map[string]string{"A": "1"},
		Secrets: []string{"id=s,src=f"}, Contexts: map[string]string{"n": "d"}, NoCache: true}, Only: []string{"as built"}, RulesFor: rulesFor, Audit: auditArchive}); err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer(temp, "TMP")
	var got []string
	for line := range strings.Lines(names.Replace(string(read(t, log)))) {
		if !strings.HasPrefix(line, "inspect") { // as often as it takes
			got = append(got, proofName.ReplaceAllString(strings.TrimSpace(line), "PROOF"))
		}
	}
	want := []string{
		"version --format {{.Server.Version}}",
		"version --format {{.Server.Version}}",
		"buildx build --progress plain --file TMP/PROOF/DOCKERFILE/Dockerfile --output type=oci,dest=TMP/PROOF/built.tar --target T --platform linux/arm64 --build-arg A=1 --secret id=s,src=f --build-context n=d --no-cache CONTEXT",
		"load --quiet --input TMP/PROOF/as-built.tar",
		"run --network none --sig-proxy=false --cidfile TMP/PROOF/as-built/container-1 --label imgaudit.prove=PROOF --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --mount type=bind,source=TMP/PROOF/as-built/hostname,target=/etc/hostname,readonly --mount type=bind,source=TMP/PROOF/as-built/hosts,target=/etc/hosts,readonly --mount type=bind,source=TMP/PROOF/as-built/resolv.conf,target=/etc/resolv.conf,readonly --memory 536870912 --memory-swap 536870912 --pids-limit 512 loaded:1",
		"rm --force --volumes 0123456789ab",
		"rmi --no-prune loaded:1",
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("unexpected: %s", got[i])
		case dockerfileName.ReplaceAllString(got[i], "/DOCKERFILE/") != want[i]:
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

var (
	proofName      = regexp.MustCompile(`imgaudit-prove-[0-9]+`)
	dockerfileName = regexp.MustCompile(`/dockerfile[0-9]+/`)
)
