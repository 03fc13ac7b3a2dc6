package accuracy

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// lines are one for each cell: the verdict on every rule that spoke or should have.
func lines(cells []*cell) map[string]string {
	all := map[string]string{}
	for _, c := range cells {
		var words []string
		for _, j := range c.judge() {
			if j.verdict != quiet {
				words = append(words, j.rule+" "+j.verdict.String())
			}
		}
		all[c.String()] = or(strings.Join(words, ", "))
	}
	return all
}

func or(s string) string {
	if s == "" {
		return "quiet"
	}
	return s
}

// cellsFile has a line for each cell of the whole matrix.
const cellsFile = "testdata/cells.txt"

// readCells reads the committed cells, and their text.
func readCells(t *testing.T) (committed map[string]string, text []byte) {
	t.Helper()
	text, err := os.ReadFile(cellsFile)
	if err != nil {
		t.Fatal(err)
	}
	committed = map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		i := strings.LastIndex(line, ": ") // a cell's name may have one
		if i < 0 {
			t.Fatalf("%s: %q is no cell", cellsFile, line)
		}
		committed[line[:i]] = line[i+2:]
	}
	return committed, text
}

// compare holds the cells of a subset against those that were committed.
func compare(t *testing.T, r *rig, cells []*cell) {
	t.Helper()
	committed, data := readCells(t)
	now := lines(cells)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != committed[name] {
			t.Errorf("%s: %s; %s says %q: make matrix", name, now[name], cellsFile, committed[name])
		}
	}
	for _, i := range r.possible(images()) {
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
