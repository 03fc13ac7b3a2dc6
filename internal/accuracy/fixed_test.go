package accuracy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/imgaudit/imgaudit/internal/lab"
)

// correctAll corrects services, several side by side.
func (r *rig) correctAll(t *testing.T, list []service) []*corrected {
	t.Helper()
	if len(list) == 0 {
		return nil
	}
	builds, stop, err := lab.Open("accuracy")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	l := &mender{builds: builds, runc: r.runc, context: filepath.Join(t.TempDir(), "context"), times: &r.times}
	if err := vendored(l.context); err != nil {
		t.Fatal(err)
	}
	all := make([]*corrected, len(list))
	var work errgroup.Group
	work.SetLimit(2 * runtime.GOMAXPROCS(0))
	for i, s := range list {
		work.Go(func() error {
			c, err := l.correct(t, s)
			if err != nil {
				t.Errorf("%s: %v", s, err)
				c = &corrected{service: s, none: "it could not be looked at"}
			}
			all[i] = c
			return nil
		})
	}
	_ = work.Wait() // no function fails
	return all
}

// vendored copies the programs into a new directory with the modules that they need: no build asks a network.
func vendored(dir string) error {
	if err := os.CopyFS(dir, os.DirFS(sources)); err != nil {
		return fmt.Errorf("copying the programs: %w", err)
	}
	cmd := exec.Command("go", "mod", "vendor")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("copying the modules of the programs: %w\n%s", err, out)
	}
	return nil
}
