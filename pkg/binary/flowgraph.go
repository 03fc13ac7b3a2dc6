package binary

import (
	"cmp"
	"slices"
	"strings"
)

// flowGraph is a function as a graph: its nodes are pieces of code that run from their first instruction to their last.
type flowGraph struct {
	fn       int32
	body     body
	nodes    []node
	calls    []call // direct calls and jumps to other functions, by address
	takes    []taken
	starts   []call            // calls that run the function value which is made before them
	runs     map[uint32]uint32 // where function values are made that such a call runs: at which
	inner    []int32           // nodes that jump tables lead to
	defers   bool
	ends     bool           // a normal end is reached
	failures bool           // the edges of failures were removed
	endless  bool           // what ends the program comes back, for nothing else does
	again    map[int32]bool // nodes that begin an endless loop anew
	walked   []uint32       // when each node was last visited
	round    uint32
	left     *int // nodes that may still be visited, in all graphs
}

// node is a piece of code.
type node struct {
	begin, last, end uint32 // its first and last instruction and what follows, as offsets from the text
	ends             ends
	next             int32   // the node that it goes on to; -1 if there is none
	target           int32   // the node that it branches or jumps to; -1 if there is none
	callee           int32   // that it ends with a direct call of, -1 otherwise
	cut              [2]bool // the edges to next and to target are not taken
	way              wayOut  // what the call at its end does
}

// wayOut is how a call does not come back.
type wayOut uint8

const (
	comesBack wayOut = iota
	givesUp          // the program ends and says that something went wrong
	exits            // it ends with a status that is known at run time only, or 0
	panics           // or the stack grows and the function starts anew
	blocks           // for ever
)

// Limits of the code that is turned into graphs, in bytes: of a function, and of all of a program.
const (
	maxFlowCode    = 1 << 18
	maxAllFlowCode = 4 << 20
)

// wayOf says whether a function comes back. Those of packages log and os are documented not to; the rest is the
// runtime's, of which compilers know.
func wayOf(name string) wayOut {
	switch {
	case !strings.HasPrefix(name, "runtime."):
		switch name {
		case "os.Exit":
			return exits
		case "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Panicln",
			"log.(*Logger).Fatal", "log.(*Logger).Fatalf", "log.(*Logger).Fatalln", "log.(*Logger).Panic", "log.(*Logger).Panicf", "log.(*Logger).Panicln":
			return givesUp
		}
	case endsHere(name), strings.HasPrefix(name, "runtime.throw"), strings.HasPrefix(name, "runtime.fatal"), name == "runtime.Goexit":
		return panics
	case name == "runtime.block":
		return blocks
	}
	return comesBack
}

// flowOf returns the graph of a function, nil if there is none or there were too many.
func (p *program) flowOf(fn int32) *flowGraph {
	if g, ok := p.sure.graphs[fn]; ok {
		return g
	}
	g := p.newFlowGraph(fn)
	p.sure.graphs[fn] = g
	return g
}

func (p *program) newFlowGraph(fn int32) *flowGraph {
	start, end := p.fns.span(fn)
	p.sure.left -= int(end - start)
	if end-start > maxFlowCode || p.sure.left < 0 || start >= end {
		return nil
	}
	b := body{start: start, code: make([]byte, end-start), decode: decoders[p.m.f.machine]}
	if b.decode == nil || !p.m.readOnce(p.mod.text+uint64(start), b.code) {
		return nil
	}
	g := &flowGraph{fn: fn, body: b, left: &p.sure.visits}
	var targets []uint32
	inside := func(t int64) bool { return t >= int64(start) && t < int64(end) }
	for _, t := range p.tableTargets(b) {
		targets = append(targets, uint32(t))
	}
	tables := len(targets)
	var events []node // with the targets of their ends
	var to []int64
	a := addresses{program: p}
	begin, starts := start, newBitset(uint64(len(b.code)))
	ok := p.visit(b, func(at int64, h hop, code []byte) {
		starts.set(uint64(at) - uint64(start))
		how := p.ending(h, code)
		if how == goesOn {
			if callee, ok := a.loaded(at, code); ok && callee != fn {
				g.takes = append(g.takes, taken{callee, uint32(at)})
			}
			return
		}
		n := node{begin: begin, last: uint32(at), end: uint32(at) + uint32(h.size), ends: how, next: -1, target: -1, callee: -1}
		target := int64(-1)
		switch {
		case how == calls && h.target >= 0 || how == jumps && !inside(h.target):
			g.calledAt(p, &n, h.target)
		case how == branches || how == jumps:
			if target = h.target; inside(target) {
				targets = append(targets, uint32(target))
			}
		}
		events, to, begin = append(events, n), append(to, target), n.end
	})
	if !ok || len(events) == 0 {
		return nil
	}
	for _, t := range targets {
		if !starts.has(uint64(t) - uint64(start)) {
			return nil
		}
	}
	g.cutUp(events, to, targets)
	for _, t := range targets[:tables] {
		g.inner = append(g.inner, g.at(t))
	}
	g.walked = make([]uint32, len(g.nodes))
	g.pairStarts()
	p.readStatus(g)
	g.ends = g.avoids(0, nil)
	return g
}

// readStatus looks for calls that end the program with a status other than 0: something went wrong.
func (p *program) readStatus(g *flowGraph) {
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.way != exits {
			continue
		}
		regs := newRegisters(p.m.f.machine)
		if _, ok := (&checker{program: p, g: g}).run(n, &regs); !ok {
			continue
		}
		if status, ok := p.arguments(&regs)[0].constant(); ok && status != 0 {
			n.way = givesUp
		}
	}
}

// pairStarts finds out which function values are run by which call, as the scanner of the text does: the one that was
// made last before it.
func (g *flowGraph) pairStarts() {
	g.runs = map[uint32]uint32{}
	var made []taken
	next := 0
	for _, s := range g.starts {
		for ; next < len(g.takes) && g.takes[next].at < s.at; next++ {
			made = append(made, g.takes[next])
		}
		if n := len(made); n > 0 && s.at-made[n-1].at < takeAway {
			g.runs[made[n-1].at] = s.at
			made = made[:n-1]
		}
	}
}

// calledAt records a direct call, or a jump in the place of one and a return.
func (g *flowGraph) calledAt(p *program, n *node, target int64) {
	if n.ends == jumps {
		n.ends = returns
	}
	callee, ok := p.fns.at(uint64(target))
	if !ok {
		return
	}
	n.callee = callee
	g.calls = append(g.calls, call{n.last, callee})
	name := p.calleeName(callee)
	n.way = wayOf(name)
	switch {
	case name == deferReturn:
		g.defers = true
	case starters[name]:
		g.starts = append(g.starts, call{n.last, callee})
	}
}

// cutUp makes nodes of pieces that end where the flow does, by cutting them at targets too.
func (g *flowGraph) cutUp(pieces []node, to []int64, targets []uint32) {
	sorted := slices.Clone(targets)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	var ends []int64
	for i, n := range pieces {
		for len(sorted) > 0 && sorted[0] < n.end {
			if t := sorted[0]; t > n.begin {
				head := node{begin: n.begin, last: t, end: t, ends: goesOn, next: -1, target: -1, callee: -1}
				g.nodes, ends = append(g.nodes, head), append(ends, -1)
				n.begin = t
			}
			sorted = sorted[1:]
		}
		g.nodes, ends = append(g.nodes, n), append(ends, to[i])
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		switch n.ends {
		case goesOn, branches, calls:
			if i+1 < len(g.nodes) {
				n.next = int32(i + 1)
			}
		}
		if ends[i] >= 0 {
			n.target = g.at(uint32(ends[i]))
		}
	}
}

// at returns the node that an offset from the text is in.
func (g *flowGraph) at(offset uint32) int32 {
	i, ok := slices.BinarySearchFunc(g.nodes, offset, func(n node, at uint32) int { return cmp.Compare(n.begin, at) })
	if !ok {
		i--
	}
	return int32(i)
}

// after calls see for the nodes that one may be followed by.
func (g *flowGraph) after(i int32, see func(int32)) {
	n := &g.nodes[i]
	switch n.way {
	case givesUp, exits:
		if !g.endless {
			return
		}
	case panics, blocks:
		return
	}
	if n.next >= 0 && !n.cut[0] {
		see(n.next)
	}
	if n.target >= 0 && !n.cut[1] {
		see(n.target)
	}
	if n.ends == switches {
		for _, t := range g.inner {
			see(t)
		}
	}
}

// isEnd says whether a node is a normal end of its function.
func (g *flowGraph) isEnd(i int32) bool {
	n := &g.nodes[i]
	switch n.way {
	case blocks:
		return true
	case exits:
		if !g.endless {
			return true
		}
	case givesUp, panics:
		return false
	}
	return n.ends == returns || n.ends == switches && len(g.inner) == 0 || g.again[i]
}

// walk visits the nodes that are reached from one without passing some others, until see returns false; then it does too,
// and if there were too many, after which nothing is sure any more.
func (g *flowGraph) walk(from int32, without []int32, see func(int32) bool) bool {
	if g.round++; slices.Contains(without, from) {
		return true
	}
	g.walked[from] = g.round
	todo := []int32{from}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if *g.left--; *g.left < 0 || !see(i) {
			return false
		}
		g.after(i, func(n int32) {
			if g.walked[n] != g.round && !slices.Contains(without, n) {
				g.walked[n] = g.round
				todo = append(todo, n)
			}
		})
	}
	return true
}

// avoids says whether a normal end is reached from a node without passing some others.
func (g *flowGraph) avoids(from int32, others []int32) bool {
	return !g.walk(from, others, func(i int32) bool { return !g.isEnd(i) })
}
