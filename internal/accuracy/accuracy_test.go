package accuracy

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAccuracy runs the matrix and the fix loop. The whole matrix rewrites what is committed of it; a subset is compared
// with that, cell by cell.
func TestAccuracy(t *testing.T) {
	r := newRig(t)
	images, all := r.possible(r.images()), wanted() == "all"
	if !all {
		images = subset(images)
	}
	began := time.Now()
	cells := r.run(t, images)
	counted := count(cells)
	ran := time.Since(began)
	t.Logf("%d images, %d cells in %.0f s\n%s\n%s", len(images), len(cells), ran.Seconds(), counted, counted.disagreements())
	for _, j := range counted.wrong {
		if limitOf(j) == "" {
			t.Errorf("%s: %s: %s", j.cell, j.rule, j.words)
		}
	}
	if lacking := counted.lacking(); len(lacking) > 0 && r.complete() {
		t.Errorf("no cell shows both ways: %v", lacking)
	}
	began = time.Now()
	fixes := correctAll(t, r.runc, services(os.Getenv("IMGAUDIT_ACCURACY_FIXES") == "all"))
	t.Logf("%d services corrected in %.0f s\n%s", len(fixes), time.Since(began).Seconds(), convergence(fixes))
	for _, c := range fixes {
		if c.wrong != "" {
			t.Errorf("%s: %s", c.service, c.wrong)
		}
	}
	if t.Failed() && !all {
		return
	}
	if all {
		write(t, r, cells, convergence(fixes))
		return
	}
	compare(t, r, cells)
}

// lines are one for each cell: what was foretold, and what went wrong.
func lines(cells []*cell) map[string]string {
	all := map[string]string{}
	for _, c := range cells {
		var foretold, failed []string
		for _, p := range c.foretold {
			foretold = append(foretold, p.Rule+" ("+string(p.Severity)+")")
		}
		for _, f := range c.failures() {
			failed = append(failed, f.rules[0])
		}
		all[c.String()] = "foretold " + or(strings.Join(foretold, ", ")) + "; seen " + or(strings.Join(failed, ", "))
	}
	return all
}

func or(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// cellsFile has a line for each cell of the whole matrix.
const cellsFile = "testdata/cells.txt"

// compare holds the cells of a subset against those that were committed.
func compare(t *testing.T, r *rig, cells []*cell) {
	t.Helper()
	data, err := os.ReadFile(cellsFile)
	if err != nil {
		t.Fatal(err)
	}
	committed := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, what, _ := strings.Cut(strings.TrimSpace(line), ": foretold ")
		committed[name] = "foretold " + what
	}
	now := lines(cells)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != committed[name] {
			t.Errorf("%s: %s; %s says %s: make matrix", name, now[name], cellsFile, or(committed[name]))
		}
	}
	for _, i := range r.possible(r.images()) {
		for _, c := range i.cells() {
			if committed[c.String()] == "" {
				t.Errorf("%s is not in %s: make matrix", c, cellsFile)
			}
		}
	}
	doc, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{sumOf(r, data), "\n" + verdictLine(0, 0) + "\n"} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("%s does not say %q: make matrix", docFile, strings.TrimSpace(want))
		}
	}
	if !strings.Contains(string(doc), "Corrected and run again") {
		t.Errorf("%s has no fix loop: make matrix", docFile)
	}
}

// subset takes one image of each program in each variant, the bases and the users by turns, and of each fault two.
func subset(all []image) (some []image) {
	seen := map[string]int{}
	for _, i := range all {
		kind := i.variant + "/" + i.need
		if i.spoil != nil {
			kind += "/" + i.spoil.name
		}
		k := slices.IndexFunc(needs, func(need string) bool { return need == i.need })
		v := slices.IndexFunc(variants, func(v variant) bool { return v.name == i.variant })
		switch {
		case i.spoil == nil && seen[kind] == 0 && i.base == bases[(k+v)%len(bases)] && i.user == users[(k+v/2)%2]:
		case i.spoil != nil && (i.base.name == "scratch" || i.base.name == "debian-slim"):
		default:
			continue
		}
		seen[kind]++
		some = append(some, i)
	}
	return some
}
