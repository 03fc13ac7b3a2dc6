package accuracy

import (
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// correctAll corrects services, several side by side.
func correctAll(t *testing.T, runc *prove.Engine, list []service) []*corrected {
	t.Helper()
	builds, stop, err := lab.Open("accuracy")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	l := &mender{builds: builds, runc: runc}
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
