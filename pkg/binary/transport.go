package binary

import (
	"slices"
	"strings"
)

// exposure says how much of what a TLS client verifies with is seen where it is used.
type exposure int

const (
	exposedNot     exposure = iota // it is seen to be the system's roots
	exposedDefault                 // it has net/http's default transport, which may be changed
	exposedConfig                  // its crypto/tls.Config comes from elsewhere
	exposedWhole                   // so does its transport
	exposedOwn                     // it is seen to have something else than the system's roots
)

// transportFields are the offsets of fields in net/http.Transport; zero where they are not known.
type transportFields struct {
	config uint64   // TLSClientConfig
	hooks  []uint64 // DialTLS, DialTLSContext: with them it leaves TLS to others
}

func (p *program) transportFields() transportFields {
	var f transportFields
	types, _ := p.structField("http.Transport", "DialTLSContext")
	for _, at := range types {
		config, ok := p.fieldOffset(at, "TLSClientConfig")
		if !ok {
			continue
		}
		f.config = config
		for _, name := range []string{"DialTLS", "DialTLSContext"} {
			if hook, ok := p.fieldOffset(at, name); ok {
				f.hooks = append(f.hooks, hook)
			}
		}
		return f
	}
	return f
}

// fieldOffset returns where a field of a struct type is. Below it was a bit before Go 1.19. Source: reflect/type.go,
// structField.
func (p *program) fieldOffset(at uint64, field string) (uint64, bool) {
	offset, ok := p.m.fieldOffset(at, field)
	if p.table.format < format120 && (p.info == nil || !hasVersion(p.info.Version, "go1.19")) {
		offset /= 2
	}
	return offset, ok
}

// configWords are the words of the arguments that are a *crypto/tls.Config.
var configWords = map[string]int{"crypto/tls.Dial": 4, "crypto/tls.DialWithDialer": 5, "crypto/tls.dial": 7}

// exposure judges the client of a use.
func (p *program) exposure(u use) exposure {
	if slices.Contains(defaultClient, u.name) { // it is not inlined
		worst := exposedDefault
		for _, fn := range p.bodies[u.name] {
			worst = max(worst, p.senderExposure(fn))
		}
		return worst
	}
	c, ok := p.tracedCall(u)
	if !ok {
		return exposedWhole
	}
	s := scope{fn: u.caller, memory: c.memory}
	switch {
	case slices.Contains(dials, u.name):
		if word, ok := configWords[u.name]; ok {
			return p.configExposure(c.words[word], c, s)
		}
		const config = 8 // of tls.Dialer.Config
		return p.configExposure(s.load(c.words[0].add(config)), c, s)
	case strings.HasPrefix(u.name, clientMethods):
		return p.transportExposure(c.words[0], c, s)
	}
	return p.senderExposure(u.caller)
}

const clientMethods = "net/http.(*Client)."

// senderExposure judges the clients that a function which makes a request gives requests to.
func (p *program) senderExposure(fn int32) exposure {
	t, ok := p.trace(fn)
	if !ok {
		return exposedWhole
	}
	worst, sends := exposedNot, false
	for i := range t.calls {
		if c := &t.calls[i]; strings.HasPrefix(p.name(c.callee), clientMethods) {
			worst, sends = max(worst, p.transportExposure(c.words[0], c, scope{fn: fn, memory: c.memory})), true
		}
	}
	if !sends {
		return exposedWhole
	}
	return worst
}

// seen says whether what a function makes is seen as a whole: nothing is copied to where it makes it.
func (p *program) seen(made value, c *tracedCall, s scope) bool {
	return made.kind != isObject || !p.copies(s.fn, made.site, c.at)
}

// transportExposure judges the transport of an http.Client at an address, as a function sees it at a call.
func (p *program) transportExposure(client value, c *tracedCall, s scope) exposure {
	tab, data := s.load(client), s.load(client.add(8))
	if client.known && client.kind == isVariable { // such as http.DefaultClient
		return p.variableExposure(client.n)
	}
	at, ok := tab.constant()
	switch {
	case !ok || !p.seen(client, c, s) || !p.seen(data, c, s):
		return exposedWhole
	case at == 0:
		return exposedDefault
	case !p.isTransportTab(at) || !data.known:
		return exposedWhole
	}
	f := p.transportFields()
	if f.config == 0 || slices.ContainsFunc(f.hooks, func(hook uint64) bool { return s.load(data.add(int64(hook))) != number(0) }) {
		return exposedWhole
	}
	return p.configExposure(s.load(data.add(int64(f.config))), c, s)
}

// configExposure judges a *crypto/tls.Config.
func (p *program) configExposure(config value, c *tracedCall, s scope) exposure {
	switch {
	case config == number(0):
		return exposedNot
	case config.known && config.kind == isVariable:
		held, _ := p.m.word(config.n)
		return p.heldExposure(held)
	case config.known && config.kind == isNumber:
		return p.heldExposure(config.n)
	case !config.known || config.kind == isParameter || p.insecure == 0 || p.rootCAs == 0:
		return exposedConfig
	case !p.seen(config, c, s):
		return exposedOwn
	}
	roots, insecure := config.add(int64(p.rootCAs)), config.add(int64(p.insecure&^7))
	if s.load(roots) == number(0) && s.load(insecure) == number(0) {
		return exposedNot
	}
	_, set := s.memory.get(insecure)
	if s.load(roots) != number(0) && s.load(roots).known || set && s.load(insecure) != number(0) || s.load(fresh(config)).known {
		return exposedOwn
	}
	return exposedConfig
}

// isTransportTab says whether an itab makes a *net/http.Transport a RoundTripper.
func (p *program) isTransportTab(itab uint64) bool {
	fn, ok := p.graph.slots.at(itab + itabMethods)
	return ok && p.name(fn) == "net/http.(*Transport).RoundTrip"
}

// variableExposure judges a variable that points to an http.Client from the start.
func (p *program) variableExposure(at uint64) exposure {
	client, _ := p.m.word(at)
	tab, _ := p.m.word(client) // zero if the client is all zeros and has no bytes in the file
	transport, _ := p.m.word(client + 8)
	switch {
	case client == 0:
		return exposedWhole
	case p.isTransportTab(tab):
		config, _ := p.m.word(transport + p.transportFields().config)
		return max(exposedWhole, p.heldExposure(config))
	case tab != 0:
		return exposedWhole
	}
	for _, r := range p.referrers(at) {
		if isStandard(packageOf(p.name(r.caller))) {
			continue
		}
		if r.how != loads || p.handsOn(r.caller, at) {
			return exposedWhole
		}
	}
	return exposedDefault
}

// heldExposure judges a crypto/tls.Config that is in the data from the start.
func (p *program) heldExposure(config uint64) exposure {
	insecure, _ := p.m.word(config + p.insecure&^7)
	roots, _ := p.m.word(config + p.rootCAs)
	if config != 0 && p.insecure != 0 && (insecure != 0 || roots != 0) {
		return exposedOwn
	}
	return exposedConfig
}

// handsOn says whether a function that loads a pointer to an http.Client may change its transport, keep it, or give it
// to another that may.
func (p *program) handsOn(fn int32, at uint64) bool {
	const clientData = 8 // of Client.Transport, after its table
	changes, loaded := false, false
	given := map[uint32]bool{} // the calls behind a load
	p.track(fn, func(pos int64, s step, _ *registers) {
		changes = changes || loaded && s.put == clientData
		given[uint32(pos)] = loaded && s.flow == flowCall
		loaded = s.load == at || loaded && (s.flow != flowCall || p.isWriteBarrier(s.target))
	})
	t, ok := p.trace(fn)
	if changes || !ok {
		return true
	}
	pointer := value{known: true, kind: isVariable, n: at}
	return slices.ContainsFunc(t.calls, func(c tracedCall) bool {
		if p.stackArguments() { // those of one call are still there at the next
			if !given[c.at] {
				return false
			}
		} else if slices.ContainsFunc(c.memory, func(w knownWord) bool { return w.v == pointer }) {
			return true
		}
		return slices.Contains(c.words[:], pointer) && !strings.HasPrefix(p.name(c.callee), clientMethods)
	})
}

func (p *program) isWriteBarrier(target int64) bool {
	callee, ok := int32(0), false
	if target >= 0 {
		callee, ok = p.fns.at(uint64(target))
	}
	return ok && strings.HasPrefix(p.name(callee), "runtime.gcWriteBarrier")
}

// defaultSenders load http.DefaultTransport. Source: net/http/client.go, (*Client).transport, which is inlined.
var defaultSenders = []string{"net/http.(*Client).send", "net/http.(*Client).transport"}

// changesDefault says whether the program may change http.DefaultTransport.
func (p *program) changesDefault() bool {
	found := false
	for _, name := range defaultSenders {
		for _, fn := range p.bodies[name] {
			for at := range p.loads(fn) {
				if tab, _ := p.m.word(at); !p.isTransportTab(tab) {
					continue
				}
				found = true
				for _, r := range p.referrers(at) {
					if !isStandard(packageOf(p.name(r.caller))) && !p.onlyClones(r) {
						return true
					}
				}
			}
		}
	}
	return !found
}

// onlyClones says whether a function loads http.DefaultTransport to make another one like it.
func (p *program) onlyClones(r use) bool {
	f := p.transportFields()
	clones, sets := false, false
	p.track(r.caller, func(_ int64, s step, _ *registers) {
		sets = sets || s.put == int64(f.config) || s.put > 0 && slices.Contains(f.hooks, uint64(s.put)) || s.flag != 0 && s.flag == int64(p.insecure)
		if s.flow == flowCall && s.target >= 0 {
			callee, ok := p.fns.at(uint64(s.target))
			clones = clones || ok && p.name(callee) == "net/http.(*Transport).Clone"
		}
	})
	return r.how == loads && clones && !sets
}
