package reality

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// tally counts, per rule, how what was foretold and what was seen went together.
type tally struct {
	mu   sync.Mutex
	rows map[string]*row
}

type row struct {
	runs, firedFailed, silentOK, limits, alarms, possible, disagreed int
}

func newTally() *tally { return &tally{rows: map[string]*row{}} }

// add counts one run of a cell.
func (a *tally) add(c cell, f *audit.Finding, failed, agreed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.rows[c.rule]
	if r == nil {
		r = &row{}
		a.rows[c.rule] = r
	}
	r.runs++
	switch {
	case !agreed:
		r.disagreed++
	case f != nil && f.Certainty == audit.Possible:
		r.possible++
	case f != nil && !failed:
		r.alarms++
	case f != nil:
		r.firedFailed++
	case failed:
		r.limits++
	default:
		r.silentOK++
	}
}

// String is a table.
func (a *tally) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for name := range a.rows {
		names = append(names, name)
	}
	sort.Strings(names)
	var sum row
	b := &strings.Builder{}
	line := func(name string, r row) {
		fmt.Fprintf(b, "%-26s %4d runs %4d fired, failed %4d silent, ran %4d not covered %4d false alarms %4d possible %4d disagree\n",
			name, r.runs, r.firedFailed, r.silentOK, r.limits, r.alarms, r.possible, r.disagreed)
	}
	for _, name := range names {
		r := *a.rows[name]
		line(name, r)
		sum.runs += r.runs
		sum.firedFailed += r.firedFailed
		sum.silentOK += r.silentOK
		sum.limits += r.limits
		sum.alarms += r.alarms
		sum.possible += r.possible
		sum.disagreed += r.disagreed
	}
	line("all", sum)
	return b.String()
}
