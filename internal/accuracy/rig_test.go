package accuracy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	r := &rig{programs: t.TempDir(), variants: map[string]*variant{}}
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
	for _, list := range [][]variant{variants, spoilt} {
		for i := range list {
			v := &list[i]
			r.variants[v.name] = v
			if err := v.compile(t.Context(), r.programs); err != nil {
				t.Fatal(err)
			}
			if v.why != "" {
				t.Logf("%s cannot be made here: %s", v.name, v.why)
			}
		}
	}
	for _, b := range bases {
		if err := b.read(t, r.registry); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// program reads one compiled program.
func (r *rig) program(variant, need string) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.programs, variant, need))
}

// images lists what is made: every combination, then the faults.
func (r *rig) images() (all []image) {
	for _, v := range variants {
		for _, b := range bases {
			for _, u := range users {
				for _, n := range needs {
					all = append(all, image{v.name, n, b, u, nil})
				}
			}
		}
	}
	for i := range spoilings {
		s := &spoilings[i]
		for _, b := range bases {
			if s.bases != nil && !strings.Contains(strings.Join(s.bases, " "), b.name) {
				continue
			}
			for _, u := range users {
				if s.users != nil && s.users[0] != u {
					continue
				}
				for _, n := range s.needs {
					all = append(all, image{s.variant, n, b, u, &s.spoil})
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

// cells are the runs of an image.
func (i image) cells() []*cell {
	if i.spoil != nil && !strings.HasPrefix(i.spoil.name, "TMPDIR") {
		return []*cell{{image: i}} // a read-only root tells nothing more of it
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
