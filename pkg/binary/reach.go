package binary

import "slices"

// reach says which functions a program can get to from its start, and how.
type reach struct {
	parent []int32 // the function before each on its path; itself for a root, -1 if there is no path
	weak   []bool  // the path has a step that may not happen: a method of an interface value, a variable
	queue  []int32
}

// newReach walks the graph breadth first from main, and then from the package initialisations for what main does not
// get to: a path from main tells a person more. Then follow adds the function values that are surely called. Last it
// follows the weak steps for what is left.
func newReach(g *graph, main, inits []int32, follow func(*reach)) *reach {
	r := &reach{parent: make([]int32, len(g.fns.entry)), weak: make([]bool, len(g.fns.entry))}
	for i := range r.parent {
		r.parent[i] = -1
	}
	for _, roots := range [][]int32{main, inits} {
		for _, fn := range roots {
			r.visit(fn, fn, false)
		}
		r.walk(g, false)
	}
	follow(r)
	for _, e := range g.weak {
		if r.reached(e.caller) {
			r.visit(e.callee, e.caller, true)
		}
	}
	r.walk(g, true)
	for _, fn := range g.data {
		r.visit(fn, fn, true)
	}
	r.walk(g, true)
	r.queue = nil
	return r
}

// visit records the first way to a function.
func (r *reach) visit(fn, parent int32, weak bool) {
	if r.parent[fn] < 0 {
		r.parent[fn], r.weak[fn] = parent, weak
		r.queue = append(r.queue, fn)
	}
}

// walk goes on from the functions in the queue, along weak steps too if it is weak itself.
func (r *reach) walk(g *graph, weak bool) {
	for next := 0; next < len(r.queue); next++ {
		fn := r.queue[next]
		for _, callee := range g.callees(fn) {
			r.visit(callee, fn, weak)
		}
		if weak {
			for _, e := range g.methods(fn) {
				r.visit(e.callee, fn, weak)
			}
		}
	}
	r.queue = r.queue[:0]
}

// reached says whether there is a path to a function. A nil reach has none.
func (r *reach) reached(fn int32) bool { return r != nil && r.parent[fn] >= 0 }

// path returns the functions from a root to fn, nil if there is no path.
func (r *reach) path(fn int32) []int32 {
	if !r.reached(fn) {
		return nil
	}
	return pathTo(r.parent, fn)
}

// pathTo returns the functions from a root to fn, by those that come before each.
func pathTo(parent []int32, fn int32) []int32 {
	var path []int32
	for ; ; fn = parent[fn] {
		path = append(path, fn)
		if parent[fn] == fn {
			break
		}
	}
	slices.Reverse(path)
	return path
}
