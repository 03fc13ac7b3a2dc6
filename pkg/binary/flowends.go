package binary

// maxLoopNodes is how large a function may be whose endless loop is looked for.
const maxLoopNodes = 1 << 9

// settle removes the edges of failures, and sees to it that there is a normal end: where there is none left, what ends the
// program counts for one, and else the way back to the beginning of the loop that the function never leaves.
func (p *program) settle(g *flowGraph) {
	if g.failures {
		return
	}
	p.cutFailures(g)
	if g.avoids(0, nil) {
		return
	}
	g.endless = true
	if g.avoids(0, nil) {
		return
	}
	g.endless = false
	g.settleLoops()
}

// settleLoops makes an end of each way back to where a loop is entered that is never left.
func (g *flowGraph) settleLoops() {
	if len(g.nodes) > maxLoopNodes {
		return
	}
	g.again = map[int32]bool{}
	ways, endless := make([]int, len(g.nodes)), map[int32]bool{}
	ways[0]++
	for i := range g.nodes {
		g.after(int32(i), func(h int32) { ways[h]++ })
	}
	for i := range g.nodes {
		g.after(int32(i), func(h int32) {
			head, ok := endless[h]
			if !ok {
				head = ways[h] > 1 && g.isEndless(h)
				endless[h] = head
			}
			if head && g.reaches(h, int32(i)) {
				g.again[int32(i)] = true
			}
		})
	}
}

// reaches says whether there is a way from one node to another.
func (g *flowGraph) reaches(from, to int32) bool {
	return !g.walk(from, nil, func(i int32) bool { return i != to })
}

// isEndless says whether a node is where a loop is entered that is never left.
func (g *flowGraph) isEndless(h int32) bool {
	inside := make([]bool, len(g.nodes))
	g.walk(h, nil, func(i int32) bool {
		inside[i] = true
		return true
	})
	entered := h == 0
	returns := make([]bool, len(g.nodes)) // there is a way to h
	returns[h] = true
	for more := true; more; {
		more = false
		for i := range g.nodes {
			g.after(int32(i), func(n int32) {
				more = more || returns[n] && !returns[i]
				returns[i] = returns[i] || returns[n]
			})
		}
	}
	for i := range g.nodes {
		if inside[i] && !returns[i] {
			return false
		}
		g.after(int32(i), func(n int32) { entered = entered || n == h && !inside[i] })
	}
	return entered
}
