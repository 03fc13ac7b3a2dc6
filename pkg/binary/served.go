package binary

import (
	"slices"
	"strings"
)

// chooseHandler is the function in which net/http chooses the default mux for want of a handler.
const chooseHandler = "net/http.serverHandler.ServeHTTP"

// isDefaultMux says whether a variable is http.DefaultServeMux: the only one that a server loads.
func (p *program) isDefaultMux(address uint64) bool {
	if p.flow.defaults == nil {
		p.flow.defaults = map[uint64]bool{}
		for _, fn := range p.bodies[chooseHandler] {
			p.flow.defaults = p.loads(fn)
		}
	}
	return p.flow.defaults[address]
}

// servesDefault says whether a reached call serves http.DefaultServeMux.
func (p *program) servesDefault(r *reach) bool {
	for _, name := range serves() {
		for _, u := range p.uses[name] {
			if r.reached(u.caller) && !isStandard(packageOf(p.name(u.caller))) && p.isDefaultHandler(u) {
				return true
			}
		}
	}
	return false
}

// servedHandler returns the two words of the handler, an interface value, that a call serves with; false if it is not
// followed.
func (p *program) servedHandler(u use) (table, data value, ok bool) {
	c, ok := p.tracedCall(u)
	if !ok {
		return value{}, value{}, false
	}
	where := listenCalls[u.name]
	if where.server < 0 {
		return c.words[where.handler], c.words[where.handler+1], true
	}
	s, at := scope{memory: c.memory}, c.words[where.server].add(serverHandler)
	return s.load(at), s.load(at.add(8)), true
}

// isDefaultHandler says whether a call serves without a handler, or with the default mux.
func (p *program) isDefaultHandler(u use) bool {
	table, data, ok := p.servedHandler(u)
	n, constant := table.constant()
	return ok && (constant && n == 0 || data.known && data.kind == isVariable && p.isDefaultMux(data.n))
}

// keepsMux says whether the mux on which a call registers a handler was made in the same function and is given to
// nobody: it cannot be served.
func (p *program) keepsMux(fn int32, at uint32) bool {
	receivers, ok := p.flow.muxes[fn]
	if !ok {
		receivers = p.muxesOf(fn)
		p.flow.muxes[fn] = receivers
	}
	site, ok := receivers[at]
	return ok && !p.leaves(fn, site)
}

// isRegistration says whether a function registers a handler on its receiver.
func isRegistration(name string) bool { return muxMethods[name] || registersHandler(name) }

// makesMux says whether a function makes a mux or a router, as those of all packages are called that do.
func makesMux(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return name == "runtime.newobject" || slices.Contains([]string{"New", "Default", "NewMux", "NewRouter", "NewServeMux"}, last)
}

// muxesOf returns the calls that register handlers in a function, and where the mux of each was made. The function is
// passed over in the order of its text.
func (p *program) muxesOf(fn int32) map[uint32]uint32 {
	found, made := map[uint32]uint32{}, map[uint32]bool{}
	left := followSteps * 4
	f := p.newFollower(fn, &left, 0, judgeFunction)
	if f == nil {
		return found
	}
	now := newRegisters(f.m.f.machine)
	for pc := int64(f.body.start); f.inBody(pc); {
		s, ok := f.step(pc, &now)
		if !ok {
			break
		}
		if s.flow == flowCall {
			if c := f.callAt(pc, s, &now); !isBarrier(c.name) {
				if makesMux(c.name) {
					made[c.at] = true
				}
				if mux := c.words[0]; isRegistration(c.name) && mux.known && mux.kind == isObject && mux.n == 0 && made[mux.site] {
					found[c.at] = mux.site
				}
				f.comesBack(c, &now)
			}
		}
		pc += int64(s.size)
	}
	return found
}

// leaves says whether the object that a call makes is given to others than the methods of a mux.
func (p *program) leaves(fn int32, site uint32) bool {
	if left, ok := p.flow.leaves[site]; ok {
		return left
	}
	steps := followSteps * 4
	f := p.newFollower(fn, &steps, 0, func(f *follower, c *passed) (none [maxWords]value) {
		// Registers that are no arguments hold what they held before.
		own := isRegistration(c.name) && c.words[0] == thing || strings.HasPrefix(c.name, "runtime.")
		if !own && slices.Contains(c.words[:], thing) {
			f.fate.out, f.fate.called = true, true
		}
		return none
	})
	if f == nil {
		return true
	}
	f.from(site, func(now *registers, _ *passed) bool { return f.result(now, thing) })
	p.flow.leaves[site] = f.fate.out || steps <= 0
	return p.flow.leaves[site]
}

// result puts the first result of a call where it is, and reports whether that can be done.
func (f *follower) result(now *registers, v value) bool {
	if f.stackArguments() {
		return false
	}
	now.r[argumentRegisters[f.m.f.machine][0]] = v
	return true
}

// servesHTTP says whether a server of HTTP is reached.
func (p *program) servesHTTP(r *reach) bool {
	return slices.ContainsFunc(httpServers, func(name string) bool { return slices.ContainsFunc(p.bodies[name], r.reached) })
}
