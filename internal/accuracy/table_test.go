package accuracy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally counts verdicts by rule.
type tally struct {
	cells int
	rows  map[string]*[verdicts]int
	wrong []judgement // false errors and missed failures
	spare map[string]*spared
}

// spared are the warnings of one kind that did not come true.
type spared struct {
	rule, variant, message string
	cells                  int
}

func count(cells []*cell) *tally {
	t := &tally{cells: len(cells), rows: map[string]*[verdicts]int{}, spare: map[string]*spared{}}
	for _, rule := range judged {
		t.rows[rule] = &[verdicts]int{}
	}
	for _, c := range cells {
		for _, j := range c.judge() {
			if t.rows[j.rule] == nil {
				t.rows[j.rule] = &[verdicts]int{}
			}
			t.rows[j.rule][j.verdict]++
			switch j.verdict {
			case falseError, missed:
				t.wrong = append(t.wrong, j)
			case spare:
				key := j.rule + j.variant + j.words
				if t.spare[key] == nil {
					t.spare[key] = &spared{rule: j.rule, variant: j.variant, message: j.words}
				}
				t.spare[key].cells++
			}
		}
	}
	return t
}

// String is the table of docs/accuracy.md.
func (t *tally) String() string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "| rule | true positives | false errors | missed failures | true negatives | warnings that did not come true | not reached |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	var sum [verdicts]int
	row := func(name string, r *[verdicts]int) {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d |\n", name, r[right], r[falseError], r[missed], r[quiet], r[spare], r[unreached])
	}
	for _, rule := range append(slices.Clone(judged), unknown) {
		r := t.rows[rule]
		if r == nil {
			continue
		}
		row(rule, r)
		for v := range sum {
			sum[v] += r[v]
		}
	}
	row("**all**", &sum)
	return b.String()
}

// disagreements lists what was wrong by name, then what was warned of and did not come true, by kind.
func (t *tally) disagreements() string {
	b := &strings.Builder{}
	if len(t.wrong) == 0 {
		fmt.Fprintln(b, "No false error and no missed failure.")
	}
	for _, j := range t.wrong {
		what := "missed failure"
		if j.verdict == falseError {
			what = "false error"
		}
		fmt.Fprintf(b, "- %s: %s of `%s`: %s%s\n", j.cell, what, j.rule, oneLine(j.words), limitOf(j))
	}
	if len(t.spare) > 0 {
		fmt.Fprint(b, "\nWarnings that did not come true:\n\n")
	}
	for _, key := range slices.Sorted(maps.Keys(t.spare)) {
		s := t.spare[key]
		fmt.Fprintf(b, "- `%s`, %s, %d cells: %s\n", s.rule, s.variant, s.cells, oneLine(s.message))
	}
	return b.String()
}

// lacking are the rules that no cell shows firing rightly, or none shows silent.
func (t *tally) lacking() (all []string) {
	for _, rule := range judged {
		if r := t.rows[rule]; unshown[rule] == "" && (r[right] == 0 || r[quiet] == 0) {
			all = append(all, rule)
		}
	}
	return all
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return s[:min(200, len(s))]
}
