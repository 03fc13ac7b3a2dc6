package binary

import (
	"cmp"
	"slices"
	"strings"
)

// values is what is known of the function values of a program.
type values struct {
	names    map[int32]string            // of functions that were called where a value was followed
	routes   bool                        // the program has one of the routers
	defaults map[uint64]bool             // words that net/http's server loads, among them http.DefaultServeMux
	muxes    map[int32]map[uint32]uint32 // of functions: where the muxes were made that handlers are registered on, by call
	leaves   map[uint32]bool             // whether the mux that was made at a place is handed on
	commands []uint64                    // words of the data that executed commands run
	fates    map[place]*fate
	steps    []followed     // that were found
	left     int            // instructions that may still be decoded
	spent    map[string]int // those of the values of each package
	body     body           // of the function that was looked at last
}

// follow adds to what is reached the functions whose addresses reached functions take and which are surely called. Only
// those are looked at from which a wanted use may be reached.
func (p *program) follow(r *reach) {
	p.flow = values{
		names: map[int32]string{}, muxes: map[int32]map[uint32]uint32{}, leaves: map[uint32]bool{}, fates: map[place]*fate{},
		left: 4*followAll + int(p.fns.end>>13), spent: map[string]int{},
		routes: slices.ContainsFunc(routerNames, func(name string) bool { return p.linked[name] }),
	}
	cone := p.cone(r)
	for _, e := range p.staticCommands(r) {
		r.visit(e.callee, e.caller, false)
		p.flow.steps = append(p.flow.steps, followed{edge: e, above: -1})
	}
	r.walk(p.graph, false)
	open := p.openSteps(r, cone)
	for more := true; more; {
		more = false
		for _, e := range open {
			if !r.reached(e.caller) || r.reached(e.callee) {
				continue
			}
			if step, ok := p.isCalled(e, r); ok {
				r.visit(e.callee, e.caller, false)
				r.walk(p.graph, false)
				p.flow.steps = append(p.flow.steps, step)
				more = true
			}
		}
	}
}

// openSteps returns the steps that are worth to be looked at: those that lead on to what is wanted. Function values come
// first, and those that are made near main.
func (p *program) openSteps(r *reach, cone []bool) []edge {
	var open []edge
	for _, e := range p.graph.weak {
		switch {
		case !cone[e.callee] || r.reached(e.callee):
		case e.why == byMethod: // which of them is called, and when, is not followed
		case e.why == byInstance && strings.HasSuffix(p.name(e.callee), ".Error"):
		default:
			open = append(open, e)
		}
	}
	depth := map[int32]int{}
	for _, e := range open {
		if _, ok := depth[e.caller]; !ok {
			depth[e.caller] = len(r.path(e.caller))
		}
	}
	far := func(e edge) int {
		if depth[e.caller] == 0 { // not reached yet
			return 1 << 20
		}
		return depth[e.caller]
	}
	slices.SortStableFunc(open, func(a, b edge) int { return cmp.Or(cmp.Compare(a.why, b.why), cmp.Compare(far(a), far(b))) })
	return open
}

// cone returns the functions from which a use may be reached whose function is not reached yet.
func (p *program) cone(r *reach) []bool {
	cone := make([]bool, len(p.fns.entry))
	var queue []int32
	add := func(fn int32) {
		if !cone[fn] && !r.reached(fn) {
			cone[fn] = true
			queue = append(queue, fn)
		}
	}
	takesNow, shows := p.callersOf(now), p.callersOf(otherZones...)
	for _, name := range deciding {
		for _, u := range p.uses[name] {
			if !isStandard(packageOf(p.name(u.caller))) {
				add(u.caller)
			}
		}
	}
	for _, name := range localTimes {
		for _, u := range p.uses[name] {
			if takesNow[u.caller] && !shows[u.caller] && !isStandard(packageOf(p.name(u.caller))) {
				add(u.caller)
			}
		}
	}
	for len(queue) > 0 {
		for len(queue) > 0 {
			fn := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			for _, caller := range p.graph.callers(fn, len(cone)) {
				add(caller)
			}
		}
		for _, e := range p.graph.weak {
			if cone[e.callee] {
				add(e.caller)
			}
		}
	}
	return cone
}

// deciding are the functions whose use may prove a need. Where time is shown depends on more.
var deciding = slices.Concat(
	requestNames(), dials, lookups, []string{loadLocation, sqlOpen}, execList, starts, tempDirNames, userLookups, groupLookups, userCurrent,
	listens, serves(), logPrints, fileNames,
)

// place is where an address is taken.
type place struct {
	caller int32
	at     uint32
}

// followed is a step to a function whose address is taken: what it takes for the function to be called.
type followed struct {
	edge
	where   []place // calls that hand it on, one in the other
	above   int32   // the function where the first of them is, if it is not the caller; -1 otherwise
	serves  bool    // a server of HTTP
	command bool    // that a command is executed
}

// isCalled says whether the function whose address is taken is called, given what is reached.
func (p *program) isCalled(e edge, r *reach) (followed, bool) {
	at := place{e.caller, e.at}
	f, ok := p.flow.fates[at]
	if !ok {
		f = p.fateOf(e)
		p.flow.fates[at] = f
	}
	step := followed{edge: e, above: -1}
	if p.comesTrue(f, r) {
		step.where, step.serves, step.command = f.where, !f.called && (f.handles || f.byDefault), !f.called && !f.handles && !f.byDefault
		return step, true
	}
	for _, a := range f.above {
		if r.reached(a.caller) && p.comesTrue(&a.fate, r) {
			step.where, step.above, step.serves = a.where, a.caller, !a.called
			return step, true
		}
	}
	step.command = true
	return step, slices.ContainsFunc(f.commands, func(site uint32) bool { return p.executed(e.caller, site, r) })
}

// comesTrue says whether what waits for a value happens.
func (p *program) comesTrue(f *fate, r *reach) bool {
	return f.called || f.handles && p.servesHTTP(r) || f.byDefault && p.servesHTTP(r) && p.servesDefault(r) ||
		slices.ContainsFunc(f.variables, func(at uint64) bool { return slices.Contains(p.flow.commands, at) })
}

// fateOf says what becomes of the function or the table whose address is taken.
func (p *program) fateOf(e edge) *fate {
	pkg := packageOf(p.name(e.caller))
	share := followAll // of a package
	if p.isOwn(pkg) {
		share = p.flow.left
	}
	left := min(followSteps, p.flow.left, share-p.flow.spent[pkg])
	before := left
	defer func() {
		p.flow.left -= before - max(left, 0)
		p.flow.spent[pkg] += before - max(left, 0)
	}()
	f := p.newFollower(e.caller, &left, 0, judgeFunction)
	if f == nil || left <= 0 {
		return &fate{}
	}
	f.from(e.at, func(now *registers, _ *passed) bool { return f.takes(now, e.callee) })
	if e.why == byDefer && f.fate.framed && !f.fate.out {
		f.fate.called = true
	}
	if !f.fate.called {
		p.goUp(&f.fate, f.fate.results, e.caller, &left, 0)
	}
	return &f.fate
}

// isOwn says whether a package is of the program's own: its path has the first three elements in common with that of
// the main package.
func (p *program) isOwn(pkg string) bool {
	if pkg == "main" || p.info == nil {
		return pkg == "main"
	}
	own := strings.Join(strings.SplitN(p.info.Path+"///", "/", 4)[:3], "/")
	return strings.HasPrefix(pkg+"/", strings.TrimRight(own, "/")+"/") && !strings.Contains(pkg, "/vendor/")
}

// above is what becomes of a value in a function that it is returned to.
type above struct {
	caller int32
	fate
}

// goUp follows a value that is returned to the callers of a function.
func (p *program) goUp(top *fate, results [maxWords]value, fn int32, left *int, up int) {
	if !slices.Contains(results[:], thing) || up >= followDepth {
		return
	}
	for _, caller := range p.graph.callers(fn, followPaths) {
		for _, c := range p.callsTo(caller, func(callee int32) bool { return callee == fn }) {
			steps := min(*left, followUp)
			f := p.newFollower(caller, &steps, 0, judgeFunction)
			if f == nil || steps <= 0 {
				return
			}
			*left -= steps
			f.from(c.at, func(now *registers, _ *passed) bool {
				now.put(thing, thingCode)
				for i, reg := range argumentRegisters[f.m.f.machine] {
					now.r[reg] = results[i]
				}
				return true
			})
			*left += max(steps, 0)
			top.above = append(top.above, above{caller, f.fate})
			p.goUp(top, f.fate.results, caller, left, up+1)
		}
	}
}

// takes finds what an instruction has put into a register: the function, a function value, or the table with it as its
// only method.
func (f *follower) takes(now *registers, fn int32) bool {
	for i, v := range now.r {
		n, ok := v.constant()
		if !ok || n == 0 {
			continue
		}
		at, isEntry := f.fns.at(n - f.mod.text)
		method, isValue := f.graph.slots.at(n)
		switch {
		case isEntry && at == fn:
			now.r[i] = thingCode
			now.put(thing, thingCode)
		case isValue && method == fn:
			now.r[i] = thing
			now.put(thing, thingCode)
		case !isValue && f.graph.slots.holds(n+itabMethods):
			now.r[i] = thing
			now.put(thing.add(itabMethods), thingCode)
		default:
			continue
		}
		return true
	}
	return false
}

// valueNames are the functions whose uses decide what becomes of function values.
func valueNames() []string {
	return slices.Concat(routerNames, httpServers, executes, []string{addCommand, chooseHandler, runActors})
}
