package prove

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// inRunc runs a program of testdata once with runc alone and returns its container, which has ended.
func inRunc(t *testing.T, name string, files []layers.File, r Run) (container, Exit) {
	t.Helper()
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("runs containers, which needs root and time")
	}
	e, err := FindRunner(t.Context(), Runc)
	if err != nil {
		t.Skip(err)
	}
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
	archive := filepath.Join(t.TempDir(), "image.tar")
	files = append(files, layers.File{Path: "app", Mode: 0o755, Data: app})
	imagetest.WriteOCIArchive(t, archive, "", imagetest.Image{Config: layers.Config{Entrypoint: []string{"/app"}}, Layers: [][]layers.File{files}}.Build(t))
	w, err := openWorkshop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	b := &bare{Engine: e, dir: w.dir}
	if r.Image, err = b.load(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	r.dir, r.label, r.Pids = w.dir, w.name, runPids
	c, err := b.create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.remove(); err != nil {
			t.Error(err)
		}
	})
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

// TestMemory: the memory limit is seen to end a program, and the files of a tmpfs are counted.
func TestMemory(t *testing.T) {
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
		con, exit := inRunc(t, "greedy", dir, Run{Args: []string{c.mode}, Memory: c.memory, Tmpfs: scratch})
		if exit.OOMKilled != c.killed || (exit.Signal == syscall.SIGKILL) != c.killed {
			t.Errorf("%s with %d MiB: %+v\n%s", c.mode, c.memory>>20, exit, con.output())
		}
		if peak := con.peak(); peak < c.least {
			t.Errorf("%s with %d MiB: at most %d KiB, want at least %d", c.mode, c.memory>>20, peak>>10, c.least>>10)
		}
	}
}

// TestQuota: a program sees the CPU limit that it was given, as in a cluster.
func TestQuota(t *testing.T) {
	c, exit := inRunc(t, "greedy", nil, Run{Args: []string{"quota"}, CPUs: 0.5})
	if out := c.output(); exit.Code != 0 || !strings.Contains(out, "quota 50000") {
		t.Errorf("%+v: it sees %q, want a quota of 50000", exit, out)
	}
}
