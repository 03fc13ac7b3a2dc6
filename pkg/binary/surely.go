package binary

import (
	"cmp"
	"slices"
)

// sureReach says which functions a program gets to whatever it is given, unless it fails before.
//
// A step from a function to another is sure if no normal end of the first is reached without it: neither a branch nor an
// empty loop passes it by. What a program does when an error is not nil is no normal way, nor are panics. In main alone,
// ways on which the program merely prints something and ends do not count either, as with -version.
type sureReach struct {
	graphs  map[int32]*flowGraph
	pairs   map[pairKey]bool
	plain   map[int32]bool // functions that do no more than print
	left    int            // bytes of code that may still be turned into graphs
	visits  int            // nodes of graphs that may still be visited; below zero nothing is sure
	parent  []int32        // the function before each on its path; itself for a root, -1 if there is none
	cone    bitset         // functions that were asked for, and from which those are reached
	queue   []int32
	doubted map[use]bool // uses that would be proven if their way was sure
}

// maxVisits is how many nodes are visited in all walks over all graphs; a program of the size of dockerd takes a small part.
const maxVisits = 1 << 23

// surely says whether a use is surely made.
func (p *program) surely(u use) bool {
	if p.isSurely(u) {
		return true
	}
	p.sure.doubted[u] = true
	return false
}

func (p *program) isSurely(u use) bool {
	p.demand(u.caller)
	if p.sure.parent[u.caller] < 0 {
		return false
	}
	g := p.flowOf(u.caller)
	switch {
	case g == nil:
		return false
	case u.how == inlinedInto:
		return p.unavoidable(g, p.inlinedNodes(g, u.name))
	case u.how == addressTaken:
		return slices.ContainsFunc(p.bodies[u.name], func(fn int32) bool { return p.isSureStep(u.caller, fn) })
	}
	return p.unavoidable(g, []int32{g.at(u.at)})
}

// surelySome says whether one or another of the calls in a function is surely made.
func (p *program) surelySome(uses []use, caller int32) bool {
	if p.demand(caller); p.sure.parent[caller] < 0 || p.flowOf(caller) == nil {
		return false
	}
	g := p.flowOf(caller)
	var sites []int32
	for _, u := range uses {
		if u.caller == caller && u.how == called {
			sites = append(sites, g.at(u.at))
		}
	}
	return p.unavoidable(g, sites)
}

// demand finds out whether a function is surely reached.
func (p *program) demand(fn int32) {
	s := &p.sure
	if s.parent == nil {
		*s = sureReach{graphs: map[int32]*flowGraph{}, pairs: map[pairKey]bool{}, plain: map[int32]bool{}, left: maxAllFlowCode, visits: maxVisits,
			parent: make([]int32, len(p.fns.entry)), cone: newBitset(uint64(len(p.fns.entry))), doubted: map[use]bool{}}
		for i := range s.parent {
			s.parent[i] = -1
		}
	}
	if s.cone.has(uint64(fn)) {
		return
	}
	p.catchUp(p.widen(fn))
	for more := true; more; {
		more = false
		for i := range p.flow.steps {
			e := &p.flow.steps[i]
			if s.cone.has(uint64(e.callee)) && s.parent[e.caller] >= 0 && s.parent[e.callee] < 0 && p.isFollowed(e) {
				p.arrive(e.callee, e.caller)
				p.goOn()
				more = true
			}
		}
	}
}

// catchUp takes the sure steps to functions that were not looked at before.
func (p *program) catchUp(added []int32) {
	for _, fn := range added {
		if p.reach.parent[fn] == fn {
			p.arrive(fn, fn)
		}
	}
	slices.SortStableFunc(p.sure.queue, func(a, b int32) int { return cmp.Compare(p.rootRank(a), p.rootRank(b)) })
	for _, fn := range added {
		for _, caller := range p.graph.callers(fn, len(p.sure.parent)) {
			if p.sure.parent[caller] >= 0 {
				p.step(caller, fn)
			}
		}
	}
	p.goOn()
}

// rootRank puts main before the initialisations: a way from there tells a person more.
func (p *program) rootRank(fn int32) int {
	if p.isMain(fn) {
		return 0
	}
	return 1
}

func (p *program) isMain(fn int32) bool {
	return p.reach.parent[fn] == fn && p.calleeName(fn) == mainName
}

// widen adds a function to those that are looked at, and all from which it may be reached by steps that are not weak. It
// returns those that are new.
func (p *program) widen(fn int32) []int32 {
	var added []int32
	add := func(fn int32) {
		if p.reach.reached(fn) && !p.reach.weak[fn] && !p.sure.cone.has(uint64(fn)) {
			p.sure.cone.set(uint64(fn))
			added = append(added, fn)
		}
	}
	add(fn)
	for i := 0; i < len(added); i++ {
		for _, caller := range p.graph.callers(added[i], len(p.sure.parent)) {
			add(caller)
		}
		for _, e := range p.flow.steps {
			if e.callee == added[i] {
				add(e.caller)
			}
		}
	}
	return added
}

// arrive records the first sure way to a function.
func (p *program) arrive(fn, parent int32) {
	if p.sure.parent[fn] < 0 {
		p.sure.parent[fn] = parent
		p.sure.queue = append(p.sure.queue, fn)
	}
}

// goOn takes the sure steps from the functions in the queue.
func (p *program) goOn() {
	s := &p.sure
	for len(s.queue) > 0 {
		fn := s.queue[0]
		s.queue = s.queue[1:]
		for _, callee := range p.graph.callees(fn) {
			if s.cone.has(uint64(callee)) {
				p.step(fn, callee)
			}
		}
	}
}

// step goes from a function to another that it calls, if that is sure.
func (p *program) step(caller, callee int32) {
	if p.sure.parent[callee] < 0 && p.isSureStep(caller, callee) {
		p.arrive(callee, caller)
	}
}

// isSureStep says whether a function surely calls another, or has it run.
func (p *program) isSureStep(caller, callee int32) bool {
	g := p.flowOf(caller)
	if g == nil {
		return false
	}
	var sites, made []int32
	for _, c := range g.calls {
		if c.callee == callee {
			sites = append(sites, g.at(c.at))
		}
	}
	for _, t := range g.takes {
		start, runs := g.runs[t.at]
		switch {
		case t.fn != callee:
		case runs && p.isOnce(g, start):
			sites = append(sites, g.decides(g.at(start)))
		case runs:
			sites, made = append(sites, g.at(start)), append(made, g.at(t.at))
		case g.defers && p.isInside(t.fn, caller):
			sites = append(sites, g.at(t.at))
		}
	}
	if !p.unavoidable(g, sites) {
		return false
	}
	misses := func(i int32) bool { return g.avoids(i, sites) }
	return len(made) == 0 || p.unavoidable(g, made) && !slices.ContainsFunc(made, misses) && p.sure.visits >= 0
}

// isInside says whether a function is a closure written in another.
func (p *program) isInside(inner, outer int32) bool {
	in, out := p.calleeName(inner), p.calleeName(outer)
	return len(in) > len(out)+1 && in[:len(out)] == out && in[len(out)] == '.'
}

// isOnce says whether a call is what sync.Once does for the first time: the branch before it decides that it is.
func (p *program) isOnce(g *flowGraph, at uint32) bool {
	return slices.ContainsFunc(g.starts, func(c call) bool { return c.at == at && p.calleeName(c.callee) == "sync.(*Once).doSlow" })
}

// decides returns the node whose branch decides whether another is reached.
func (g *flowGraph) decides(i int32) int32 {
	for range 8 {
		before := int32(-1)
		for j := range g.nodes {
			g.after(int32(j), func(n int32) {
				if n == i {
					before = int32(j)
				}
			})
		}
		if before < 0 {
			break
		}
		if i = before; g.nodes[i].ends == branches {
			break
		}
	}
	return i
}

// isFollowed says whether what a step to a function value takes is sure.
func (p *program) isFollowed(e *followed) bool {
	at := func(where place) bool {
		g := p.flowOf(where.caller)
		return g != nil && p.unavoidable(g, []int32{g.at(where.at)})
	}
	if !at(place{e.caller, e.at}) || e.above >= 0 && p.sure.parent[e.above] < 0 {
		return false
	}
	for _, where := range e.where {
		if !at(where) {
			return false
		}
	}
	switch {
	case e.serves:
		return p.surelyOne(slices.Concat(serves(), httpServers))
	case e.command:
		return p.surelyOne(executes)
	}
	return true
}

// surelyOne says whether one of some functions is surely called from outside the standard library, as far as is known yet.
func (p *program) surelyOne(names []string) bool {
	for _, name := range names {
		for _, u := range p.uses[name] {
			if isStandard(packageOf(p.name(u.caller))) {
				continue
			}
			p.catchUp(p.widen(u.caller))
			if g := p.flowOf(u.caller); p.sure.parent[u.caller] >= 0 && g != nil && u.at != 0 && p.unavoidable(g, []int32{g.at(u.at)}) {
				return true
			}
		}
	}
	return false
}

// unavoidable says whether no normal end of a function is reached without passing one of some nodes.
func (p *program) unavoidable(g *flowGraph, sites []int32) bool {
	if len(sites) == 0 || p.sure.visits < 0 {
		return false
	}
	sure := !g.failures && g.ends && !g.avoids(0, sites)
	if !sure && p.sure.visits >= 0 {
		p.settle(g)
		sure = g.avoids(0, nil) && !g.avoids(0, sites) || p.isMain(g.fn) && p.unavoidableInMain(g, sites)
	}
	return sure && p.sure.visits >= 0
}

// shownPath returns the way to a function that a person is shown: the sure one, if there is one.
func (p *program) shownPath(fn int32) []int32 {
	if p.sure.parent == nil || p.sure.parent[fn] < 0 {
		return p.reach.path(fn)
	}
	return pathTo(p.sure.parent, fn)
}
