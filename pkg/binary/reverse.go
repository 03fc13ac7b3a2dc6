package binary

// reverse is the graph read backwards: the callers of function fn are from[start[fn]:start[fn+1]], ascending.
type reverse struct {
	from  []int32
	start []uint32
}

// callers returns up to limit functions that call or take the address of fn, ascending; none without a graph.
func (g *graph) callers(fn int32, limit int) []int32 {
	if g == nil {
		return nil
	}
	if g.into.start == nil {
		g.into = g.reversed()
	}
	all := g.into.from[g.into.start[fn]:g.into.start[fn+1]]
	return all[:min(len(all), limit)]
}

// reversed turns every edge around. Edges lie in the order of their callers, so the callers of each function do too.
func (g *graph) reversed() reverse {
	n := len(g.fns.entry)
	r := reverse{from: make([]int32, len(g.edges)), start: make([]uint32, n+2)}
	for _, callee := range g.edges {
		r.start[callee+2]++
	}
	for i := 1; i < len(r.start); i++ {
		r.start[i] += r.start[i-1]
	}
	for caller := range n {
		for _, callee := range g.callees(int32(caller)) {
			r.from[r.start[callee+1]] = int32(caller)
			r.start[callee+1]++
		}
	}
	return r
}
