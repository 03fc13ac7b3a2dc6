package binary

import "slices"

// printers are packages of which a program may use functions before it ends without having done anything.
var printers = []string{"fmt", "os", "flag", "log", "runtime", "runtime/debug", "strings", "strconv", "io", "sync", "internal/bytealg", "errors"}

// plainDepth is how deep calls may be of a function that does no more than print.
const plainDepth = 4

// unavoidableInMain is unavoidable, leaving aside the ways on which main prints something that is not printed behind the
// nodes, and ends: they are taken for -version, -help and wrong arguments.
func (p *program) unavoidableInMain(g *flowGraph, sites []int32) bool {
	later := make([]bool, len(g.nodes))
	for _, site := range sites {
		g.walk(site, nil, func(i int32) bool {
			later[i] = true
			return true
		})
	}
	var cuts [][2]int32
	for i := range g.nodes {
		n := &g.nodes[i]
		for side, to := range [2]int32{n.next, n.target} {
			if n.ends == branches && to >= 0 && !n.cut[side] && p.isEarlyOut(g, to, later) {
				cuts = append(cuts, [2]int32{int32(i), int32(side)})
			}
		}
	}
	for _, c := range cuts {
		g.nodes[c[0]].cut[c[1]] = true
	}
	sure := len(cuts) > 0 && g.avoids(0, nil) && !g.avoids(0, sites)
	for _, c := range cuts {
		g.nodes[c[0]].cut[c[1]] = false
	}
	return sure
}

// isEarlyOut says whether all that is reached from a node merely prints, and some of that is not in later.
func (p *program) isEarlyOut(g *flowGraph, from int32, later []bool) bool {
	prints := false
	return g.walk(from, nil, func(i int32) bool {
		n := &g.nodes[i]
		switch {
		case n.callee >= 0:
			if !p.isPlain(n.callee, 0) {
				return false
			}
			pkg := packageOf(p.calleeName(n.callee))
			printing := pkg != "runtime" || p.calleeName(n.callee) == "runtime.printlock"
			prints = prints || printing && !later[i]
		case n.ends == calls:
			return false
		}
		return true
	}) && prints
}

// isPlain says whether a function is of the packages with which programs print, or calls no others.
func (p *program) isPlain(fn int32, depth int) bool {
	if plain, ok := p.sure.plain[fn]; ok {
		return plain
	}
	p.sure.plain[fn] = false
	plain := slices.Contains(printers, packageOf(p.calleeName(fn))) ||
		depth < plainDepth && !slices.ContainsFunc(p.graph.callees(fn), func(callee int32) bool { return !p.isPlain(callee, depth+1) })
	p.sure.plain[fn] = plain
	return plain
}
