package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// timings is what --timings prints: where the time of a run went.
type timings struct {
	start, last time.Time
	cpu, cpu0   time.Duration // of the process until last, and at the start
	rows        []timing
}

// timing is one row.
type timing struct {
	name      string
	wall, cpu time.Duration
	bytes     string
	shared    bool // part of another row: a layer beside others
}

func newTimings() *timings {
	now, cpu := time.Now(), cpuTime()
	return &timings{start: now, last: now, cpu: cpu, cpu0: cpu}
}

// mark gives the time since the last mark to a phase.
func (t *timings) mark(name string) {
	if t == nil {
		return
	}
	now, cpu := time.Now(), cpuTime()
	t.rows = append(t.rows, timing{name: name, wall: now.Sub(t.last), cpu: cpu - t.cpu})
	t.last, t.cpu = now, cpu
}

// update takes news of a reading.
func (t *timings) update(n layers.Progress) {
	if t == nil {
		return
	}
	switch {
	case n.Phase == layers.PhaseLayer && n.Done:
		row := timing{name: "  " + layerName(n), wall: n.Took, bytes: size(n.Read), shared: true}
		if n.Cached {
			row.bytes = "cached"
		}
		t.rows = append(t.rows, row)
	case n.Phase == layers.PhaseMerge && !n.Done:
		t.mark("layers")
	case n.Phase == layers.PhaseFind && n.Done, n.Phase == layers.PhaseMerge, n.Phase == target.PhasePrograms:
		t.mark(string(n.Phase))
	}
}

// proof gives the time since the last mark to a proof, with a row for its build and for each of its runs.
func (t *timings) proof(p *audit.Proof) {
	if t == nil {
		return
	}
	row := func(name string, seconds float64) {
		t.rows = append(t.rows, timing{name: "  " + name, wall: time.Duration(seconds * float64(time.Second)), shared: true})
	}
	if p.Build != nil {
		row("build", p.Build.Seconds)
	}
	for _, s := range p.Steps {
		row(s.Name, s.Seconds)
	}
	t.mark("proof")
}

// print writes the rows in the order in which they ended.
func (t *timings) print(w io.Writer, store *cache.Store) {
	if t == nil {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "phase\twall\tCPU\tread")
	for _, r := range append(t.rows, timing{name: "total", wall: time.Since(t.start), cpu: cpuTime() - t.cpu0}) {
		cpu := milliseconds(r.cpu)
		if r.shared || !cpuTimeKnown {
			cpu = ""
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.name, milliseconds(r.wall), cpu, r.bytes)
	}
	_ = table.Flush()
	if store == nil {
		fmt.Fprintln(w, "cache: none")
		return
	}
	hits, misses, damaged := store.Counts()
	fmt.Fprintf(w, "cache: %d found, %d not found, %d damaged\n", hits, misses, damaged)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }
