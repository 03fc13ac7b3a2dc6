package accuracy

import (
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// subset takes one image of each program in each variant, the bases and the users by turns, and of each fault two. A
// read-only root is run where it may make a difference.
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
		case i.narrow && seen[kind] < 2:
		case i.spoil != nil && !i.narrow && (i.base.name == "scratch" && (i.user != "0" || i.onlyRoot) || i.base.name == "debian-slim" && i.user == "0"):
		default:
			continue
		}
		seen[kind]++
		i.once = i.need != "temp"
		some = append(some, i)
	}
	return some
}

// fewest is how many cells CI runs at least.
const fewest = 80

// TestSubsetShowsEveryRule holds what CI runs against the committed verdicts: each rule that a run can show must be seen
// to fire rightly and to be silent rightly.
func TestSubsetShowsEveryRule(t *testing.T) {
	committed, _ := readCells(t)
	n, right, quiet := 0, map[string]int{}, map[string]int{}
	for _, i := range subset(images()) {
		for _, c := range i.cells() {
			n++
			what, ok := committed[c.String()]
			if !ok {
				t.Errorf("%s is not in %s: make matrix", c, cellsFile)
			}
			spoke := map[string]bool{}
			for entry := range strings.SplitSeq(what, ", ") {
				rule, verdict, _ := strings.Cut(entry, " ")
				spoke[rule] = true
				if verdict == "right" {
					right[rule]++
				}
			}
			for _, rule := range judged {
				if !spoke[rule] {
					quiet[rule]++
				}
			}
		}
	}
	if n < fewest {
		t.Errorf("CI runs %d cells, fewer than %d", n, fewest)
	}
	for _, rule := range judged {
		if unshown[rule] == "" && (right[rule] == 0 || quiet[rule] == 0) {
			t.Errorf("CI's subset shows %s firing rightly %d times and silent %d times", rule, right[rule], quiet[rule])
		}
	}
}

// TestEveryRuleIsPlaced fails for a rule of which nobody has said whether a run can show it.
func TestEveryRuleIsPlaced(t *testing.T) {
	known := map[string]bool{readOnlyRule: true}
	for _, r := range rules.All() {
		known[r.ID] = true
		places := 0
		for _, in := range []bool{slices.Contains(judged, r.ID), beside[r.ID] != "", r.Sees.All&audit.Dockerfile != 0} {
			if in {
				places++
			}
		}
		if places != 1 {
			t.Errorf("%s is in %d of: judged, beside, the rules of a Dockerfile's text", r.ID, places)
		}
	}
	for _, rule := range judged {
		if !known[rule] {
			t.Errorf("%s is judged, and there is no such rule", rule)
		}
	}
	for rule := range beside {
		if !known[rule] {
			t.Errorf("%s stands beside the matrix, and there is no such rule", rule)
		}
	}
}
