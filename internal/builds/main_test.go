package builds

import (
	"fmt"
	"os"
	"testing"

	"github.com/imgaudit/imgaudit/internal/lab"
)

// rig is where the builds of this test run happen: the lab, and podman to run what was built.
type rig struct{ *lab.Lab }

// the is the rig of this run, nil where builds are not possible, and why.
var (
	the     *rig
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
	if err := lab.ServeModules(); err != nil {
		fmt.Fprintln(os.Stderr, "builds:", err)
		return 3
	}
	l, stop, err := lab.Open("builds")
	if err != nil {
		fmt.Fprintln(os.Stderr, "builds:", err)
		return 3
	}
	defer stop()
	the = &rig{l}
	defer the.unload()
	return m.Run()
}

// need returns the rig or skips the test.
func need(t *testing.T) *rig {
	t.Helper()
	if the == nil {
		t.Skip(lacking)
	}
	return the
}
