package accuracy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgaudit/imgaudit/pkg/prove"
)

// wanted is what a test run measures: "" nothing, "subset" some hundred cells, "all" every cell, and docs/accuracy.md is
// written.
func wanted() string {
	switch mode := os.Getenv("IMGAUDIT_ACCURACY"); {
	case mode != "":
		return mode
	case os.Getenv("CI") == "true":
		return "subset"
	}
	return ""
}

// rig is what the cells of one test run are made of.
type rig struct {
	registry string
	programs string // directory VARIANT/NEED
	runc     *prove.Engine
	variants map[string]*variant
	parts    parts
	times    timings
}

// newRig compiles every program in every variant and reads the bases.
func newRig(t *testing.T) *rig {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("short: runs containers")
	case wanted() == "":
		t.Skip("some hundred containers: set IMGAUDIT_ACCURACY=subset or all")
	case os.Getuid() != 0:
		t.Skip("not root: cannot make a network for a container")
	}
	inMemory(t)
	r, began := &rig{programs: t.TempDir(), variants: map[string]*variant{}}, time.Now()
	r.times.began = began
	var err error
	if r.runc, err = prove.FindRunner(t.Context(), prove.Runc); err != nil {
		t.Fatal(err)
	}
	script := `set -e; ../ci/base-images.sh >&2; . "${IMGAUDIT_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/imgaudit-ci}/env.sh"; echo "$IMGAUDIT_REGISTRY"`
	cmd := exec.Command("bash", "-c", script)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("making the base images: %v", err)
	}
	r.registry = strings.TrimSpace(string(out))
	r.times.since("base images", began)
	began = time.Now()
	if r.parts, err = makeParts(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]variant{variants, spoilt} {
		for i := range list {
			v := &list[i]
			r.variants[v.name] = v
			if err := v.compile(t.Context(), r.programs, r.parts); err != nil {
				t.Fatal(err)
			}
			if v.why != "" {
				t.Logf("%s cannot be made here: %s", v.name, v.why)
			}
		}
	}
	r.times.since("compiling", began)
	began = time.Now()
	for _, b := range bases {
		if err := b.read(t, r.registry); err != nil {
			t.Fatal(err)
		}
	}
	r.times.since("reading the bases", began)
	return r
}

// inMemory has temporary files, the roots of all containers among them, in memory where there is enough of it: the disk
// takes most of the time otherwise.
func inMemory(t *testing.T) {
	t.Helper()
	const dir, enough = "/dev/shm", 8 << 30
	var s unix.Statfs_t
	if os.Getenv("TMPDIR") == "" && unix.Statfs(dir, &s) == nil && s.Flags&unix.ST_NOEXEC == 0 && s.Bavail*uint64(s.Bsize) >= enough {
		t.Setenv("TMPDIR", dir)
	}
}

// program reads one compiled program.
func (r *rig) program(variant, need string) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.programs, variant, need))
}

// images lists what is made: every combination, then the faults.
func images() (all []image) {
	for _, v := range variants {
		for _, b := range bases {
			for _, u := range users {
				for _, n := range needs {
					all = append(all, image{variant: v.name, need: n, base: b, user: u})
				}
			}
		}
	}
	for i := range spoilings {
		s := &spoilings[i]
		for _, b := range bases {
			if s.bases != nil && !slices.Contains(s.bases, b.name) {
				continue
			}
			for _, u := range users {
				if s.users != nil && !slices.Contains(s.users, u) {
					continue
				}
				for _, n := range s.needs {
					all = append(all, image{variant: s.variant, need: n, base: b, user: u, spoil: &s.spoil, narrow: s.bases != nil, onlyRoot: s.users != nil})
				}
			}
		}
	}
	return all
}

// complete reports whether every variant could be made.
func (r *rig) complete() bool {
	for _, v := range r.variants {
		if v.why != "" {
			return false
		}
	}
	return true
}

// possible leaves out what cannot be made here.
func (r *rig) possible(all []image) (some []image) {
	for _, i := range all {
		if r.variants[i.variant].why == "" {
			some = append(some, i)
		}
	}
	return some
}

// named are the images whose name a regular expression finds.
func named(all []image, pattern string) []image {
	re := regexp.MustCompile(pattern)
	return slices.DeleteFunc(all, func(i image) bool { return !re.MatchString(i.String()) })
}

// cells are the runs of an image.
func (i image) cells() []*cell {
	if i.once || i.spoil != nil && !strings.HasPrefix(i.spoil.name, "TMPDIR") { // a read-only root tells nothing more of it
		return []*cell{{image: i}}
	}
	return []*cell{{image: i}, {image: i, readOnly: true}}
}

// run fills the cells of the images, as many side by side as -parallel says.
func (r *rig) run(t *testing.T, images []image) (cells []*cell) {
	t.Helper()
	t.Run("cells", func(t *testing.T) {
		for _, i := range images {
			some := i.cells()
			cells = append(cells, some...)
			t.Run(i.String(), func(t *testing.T) {
				t.Parallel()
				if err := r.fill(t, i, some); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return cells
}
