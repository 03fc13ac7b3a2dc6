package prove_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// helperEnv makes this test program a process that proves an archive: "KIND FILE".
const helperEnv = "IMGAUDIT_TEST_HELPER"

func TestMain(m *testing.M) {
	if task, ok := os.LookupEnv(helperEnv); ok {
		os.Exit(helper(task))
	}
	os.Exit(m.Run())
}

// helper proves an archive as the command line does, with runs side by side: SIGINT and SIGTERM cancel it.
func helper(task string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kind, file, _ := strings.Cut(task, " ")
	e, err := prove.FindRunner(ctx, prove.Kind(kind))
	if err == nil {
		_, err = prove.Prove(ctx, prove.Options{Engines: &prove.Engines{Run: e}, Archive: file, Only: []string{"no /tmp", "read-only root", "SIGINT"}, RulesFor: rulesFor, Audit: auditArchive,
			Progress: func(line string) { fmt.Println(line) }})
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return 3
	case err != nil:
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

// start starts a helper.
func start(t *testing.T, kind prove.Kind, archive string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+string(kind)+" "+archive)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// program that the tests run, by which it is found among the processes.
const crashProgram = "imgaudit-crash-test"

// crashImage is a service with a name of its own.
func crashImage(t *testing.T) string {
	files := complete(t)
	files[0].Path = crashProgram
	return archive(t, layers.Config{Entrypoint: []string{"/" + crashProgram}}, files...)
}

// ownTemp gives the test a directory for temporary files of its own.
func ownTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "prove-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	return dir
}

// proofs are the names of those that have a directory.
func proofs(t *testing.T, temp string) (names []string) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(temp, "imgaudit-prove-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		names = append(names, filepath.Base(d))
	}
	return names
}

// nothingLeft fails when anything of the proofs is still there. What ends by itself has a moment to do so.
func nothingLeft(t *testing.T, temp string, names []string) {
	t.Helper()
	var all []string
	for range 20 {
		if all = left(t, temp, names); all == nil {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	for _, what := range all {
		t.Errorf("left behind: %s", what)
	}
}

// left lists what is there of proofs: in their directory for temporary files, and by their names.
func left(t *testing.T, temp string, names []string) (all []string) {
	t.Helper()
	ours := func(text string) bool {
		return strings.Contains(text, temp) || slices.ContainsFunc(names, func(name string) bool { return strings.Contains(text, name) })
	}
	note := func(what, text string) {
		for line := range strings.Lines(text) {
			if ours(line) {
				all = append(all, what+" "+strings.ReplaceAll(strings.TrimSpace(line), "\x00", " "))
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(temp, "*"))
	if err != nil {
		t.Fatal(err)
	}
	note("file", strings.Join(files, "\n"))
	note("mount", string(read(t, "/proc/self/mountinfo")))
	for _, pattern := range []string{"/sys/fs/cgroup/*/imgaudit-prove-*", "/sys/fs/cgroup/imgaudit-prove-*"} {
		groups, _ := filepath.Glob(pattern)
		note("control group", strings.Join(groups, "\n"))
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		for _, file := range []string{"cmdline", "environ", "cgroup"} {
			if text, _ := os.ReadFile(filepath.Join(p, file)); filepath.Base(p) != strconv.Itoa(os.Getpid()) {
				note("process "+filepath.Base(p), strings.ReplaceAll(string(text), "\n", " "))
			}
		}
	}
	if podman, err := exec.LookPath("podman"); err == nil {
		for what, args := range map[string][]string{
			"podman container": {"ps", "--all", "--external", "--format", "{{.ID}} {{.Labels}} {{.Image}}"},
			"podman image":     {"images", "--format", "{{.Repository}}:{{.Tag}}"},
		} {
			out, err := exec.Command(podman, args...).Output()
			if err != nil { // another test has just removed what it was about to list
				all = append(all, what+" unknown: "+err.Error())
			}
			note(what, string(out))
		}
	}
	if host := os.Getenv("DOCKER_HOST"); host != "" { // a daemon of the test's own: every container is one of ours
		containers, err := exec.Command("docker", "ps", "--all", "--format", "{{.ID}} {{.Image}} {{.Labels}}").Output()
		if err != nil {
			t.Fatalf("asking docker: %v", err)
		}
		for line := range strings.Lines(string(containers)) {
			all = append(all, "docker container "+strings.TrimSpace(line))
		}
		images, err := exec.Command("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").Output()
		if err != nil {
			t.Fatalf("asking docker: %v", err)
		}
		note("docker image", string(images))
	}
	return all
}

// killsEnv says how many times a proof is killed with each engine.
const killsEnv = "IMGAUDIT_TEST_KILLS"

func kills(t *testing.T, kind prove.Kind) int {
	t.Helper()
	text, ok := os.LookupEnv(killsEnv)
	if !ok && kind == prove.Docker {
		return 3 // they take longer
	}
	if !ok {
		return 6
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("reading %s: %v", killsEnv, err)
	}
	return n
}

// TestKilled kills proofs at random points; the next run finds and removes what they left.
func TestKilled(t *testing.T) {
	for _, kind := range []prove.Kind{prove.Runc, prove.Podman, prove.Docker} {
		t.Run(string(kind), func(t *testing.T) {
			engine(t, kind)
			image := crashImage(t)
			temp := ownTemp(t)
			began := time.Now()
			whole, out := start(t, kind, image)
			if err := whole.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			length := time.Since(began)
			times := kills(t, kind)
			for range times {
				cmd, _ := start(t, kind, image)
				time.Sleep(rand.N(length))
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
			names := proofs(t, temp)
			gone, err := prove.Leftovers(t.Context())
			if err != nil {
				t.Error(err)
			}
			nothingLeft(t, temp, names)
			t.Logf("a proof takes %v; %d kills left %d directories; removed: %s", length, times, len(names), strings.Join(gone, ", "))
		})
	}
}

// TestInterrupted interrupts proofs at random points; each cleans up by itself.
func TestInterrupted(t *testing.T) {
	for _, kind := range []prove.Kind{prove.Runc, prove.Podman, prove.Docker} {
		t.Run(string(kind), func(t *testing.T) {
			engine(t, kind)
			image := crashImage(t)
			temp := ownTemp(t)
			var names []string
			for i := range kills(t, kind) / 3 {
				cmd, out := start(t, kind, image)
				time.Sleep(200*time.Millisecond + rand.N(1500*time.Millisecond))
				sig := []os.Signal{os.Interrupt, syscall.SIGTERM}[i%2]
				names = append(names, proofs(t, temp)...)
				_ = cmd.Process.Signal(sig)
				sent := time.Now()
				_ = cmd.Wait()
				if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 {
					t.Errorf("%v: exit code %d\n%s", sig, code, out)
				}
				if took := time.Since(sent); took > 15*time.Second {
					t.Errorf("%v: it took %v to end", sig, took)
				}
			}
			nothingLeft(t, temp, names)
		})
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
