package accuracy

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

// TestAccuracy runs the matrix and the fix loop. The whole matrix rewrites what is committed of it; a subset is compared
// with that, cell by cell. IMGAUDIT_ACCURACY_ONLY=REGEXP runs the images and services of these names and compares nothing.
func TestAccuracy(t *testing.T) {
	r := newRig(t)
	list, all := r.possible(images()), wanted() == "all"
	if !all {
		list = subset(list)
	}
	only := os.Getenv("IMGAUDIT_ACCURACY_ONLY")
	if only != "" {
		list = named(images(), only)
	}
	began := time.Now()
	cells := r.run(t, list)
	counted := count(cells)
	ran := time.Since(began)
	t.Logf("%d images, %d cells in %.0f s\n%s\n%s", len(list), len(cells), ran.Seconds(), counted, counted.disagreements())
	for _, j := range counted.wrong {
		if limitOf(j) == "" {
			t.Errorf("%s: %s: %s", j.cell, j.rule, j.words)
		}
	}
	began = time.Now()
	fixes := r.correctAll(t, services(os.Getenv("IMGAUDIT_ACCURACY_FIXES") == "all", only))
	t.Logf("%d services corrected in %.0f s\n%s", len(fixes), time.Since(began).Seconds(), convergence(fixes))
	for _, c := range fixes {
		if c.wrong != "" {
			t.Errorf("%s: %s", c.service, c.wrong)
		}
	}
	t.Log(&r.times)
	if only != "" {
		all := lines(cells)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			t.Logf("%s: %s", name, all[name])
		}
		return
	}
	if lacking := counted.lacking(); len(lacking) > 0 && r.complete() {
		t.Errorf("no cell shows both ways: %v", lacking)
	}
	switch {
	case all:
		write(t, r, cells, convergence(fixes))
	case !t.Failed():
		compare(t, r, cells)
	}
}
