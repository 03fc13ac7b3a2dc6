package prove

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// once runs a program of testdata once, without the world, and returns its container, which has ended.
func once(t *testing.T, e *Engine, name string, files []layers.File, r Run) (container, Exit) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "app")
	build := exec.Command("go", "build", "-trimpath", "-o", file, "./testdata/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compiling %s: %v\n%s", name, err, out)
	}
	app, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := openWorkshop()
	if err != nil {
		t.Fatal(err)
	}
	after := func(what func() error) {
		t.Cleanup(func() {
			if err := what(); err != nil {
				t.Error(err)
			}
		})
	}
	after(w.close)
	archive := filepath.Join(w.dir, "image.tar")
	files = append(files, layers.File{Path: "app", Mode: 0o755, Data: app})
	imagetest.WriteOCIArchive(t, archive, "", imagetest.Image{Config: layers.Config{Entrypoint: []string{"/app"}}, Layers: [][]layers.File{files}}.Build(t))
	b, err := (&prover{workshop: w, Options: Options{Engines: &Engines{Run: e}}}).newRunner()
	if err != nil {
		t.Fatal(err)
	}
	after(b.close)
	if r.Image, err = b.load(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	after(func() error { return b.unload(r.Image) })
	r.dir, r.label, r.Pids, r.Time = w.dir, w.name, runPids, time.Minute
	if r.network, err = b.network(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	after(r.network.close)
	c, err := b.create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	after(c.remove)
	if err := c.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exit, err := c.wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c, exit
}

// everyRunner runs a test with each engine that runs images, or skips.
func everyRunner(t *testing.T, test func(t *testing.T, e *Engine)) {
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("runs containers, which needs root and time")
	}
	for _, kind := range []Kind{Runc, Podman, Docker} {
		t.Run(string(kind), func(t *testing.T) {
			if kind == Docker {
				lab.Docker(t)
			}
			e, err := FindRunner(t.Context(), kind)
			if err != nil {
				t.Skip(err)
			}
			test(t, e)
		})
	}
}

// TestMemory: the memory limit is seen to end a program, and the files of a tmpfs are counted.
func TestMemory(t *testing.T) { everyRunner(t, testMemory) }

func testMemory(t *testing.T, e *Engine) {
	scratch := []Tmpfs{{Path: "/scratch", Size: 60 << 20, Mode: 0o777}}
	dir := []layers.File{{Path: "scratch/", Mode: os.ModeDir | 0o777}}
	for _, c := range []struct {
		mode   string
		memory int64
		killed bool
		least  int64
	}{
		{"heap", 64 << 20, true, 30 << 20},
		{"heap", 512 << 20, false, 160 << 20},
		{"files", 512 << 20, false, 40 << 20},
		{"none", 512 << 20, false, 1 << 20},
	} {
		if e.Kind != Runc && !c.killed {
			continue // the meter is the same for all
		}
		t.Run(fmt.Sprintf("%s with %d MiB", c.mode, c.memory>>20), func(t *testing.T) {
			con, exit := once(t, e, "greedy", dir, Run{Args: []string{c.mode}, Memory: c.memory, Tmpfs: scratch})
			if exit.OOMKilled != c.killed || (exit.Signal == syscall.SIGKILL) != c.killed {
				t.Errorf("%+v\n%s", exit, con.output())
			}
			if peak := con.peak(); peak < c.least {
				t.Errorf("at most %d KiB, want at least %d", peak>>10, c.least>>10)
			}
		})
	}
}

// TestQuota: a program sees the CPU limit that it was given, as in a cluster.
func TestQuota(t *testing.T) { everyRunner(t, testQuota) }

func testQuota(t *testing.T, e *Engine) {
	c, exit := once(t, e, "greedy", nil, Run{Args: []string{"quota"}, CPUs: 0.5})
	if out := c.output(); exit.Code != 0 || !strings.Contains(out, "quota 50000") {
		t.Errorf("%+v: it sees %q, want a quota of 50000", exit, out)
	}
}
