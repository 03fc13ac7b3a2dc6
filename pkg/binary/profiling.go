package binary

import (
	"net"
	"slices"
	"strings"
)

// pprofInit registers the profiles on http.DefaultServeMux; every program that imports net/http/pprof has it.
// Source: net/http/pprof/pprof.go.
const pprofInit = "net/http/pprof.init.0"

// profiles are the handlers that a program may register itself.
var profiles = []string{
	"net/http/pprof.Index", "net/http/pprof.Profile", "net/http/pprof.Cmdline", "net/http/pprof.Symbol", "net/http/pprof.Trace",
	"net/http/pprof.Handler", "net/http/pprof.handler.ServeHTTP",
}

var profiling = detector{names: slices.Concat([]string{pprofInit}, profiles, serves()), detect: detectProfiling}

// detectProfiling looks for a server of the mux that profiles are registered on: the default one, which a nil handler
// means, or one that the same function makes and serves.
func detectProfiling(p *program, b *Binary) {
	if !p.linked[pprofInit] {
		return
	}
	var facts []fact
	for _, u := range p.usesOf(serves(), inPackages("net/http", "net/http/pprof")) {
		text, ok := p.servesProfiles(u)
		if !ok {
			continue
		}
		certainty := p.when(u, Proven)
		if _, address, ok := p.port(u); ok && isLoopback(address) {
			certainty, text = Possible, text+", for the loopback interface only"
		}
		facts = append(facts, fact{certainty: certainty, evidence: p.evidence(u, text)})
	}
	for _, u := range p.usesOf(profiles, inPackages("net/http/pprof")) {
		certainty := p.when(u, Likely)
		if !b.Server.Listens {
			certainty = Possible
		}
		facts = append(facts, fact{certainty: certainty, evidence: p.evidence(u, "")})
	}
	if len(facts) == 0 {
		facts = []fact{{certainty: Possible, evidence: Evidence{Text: "links net/http/pprof, which registers on http.DefaultServeMux"}}}
	}
	sortFacts(facts)
	b.Server.Profiling, b.Server.ProfilingEvidence = facts[0].certainty, evidenceOf(facts)
}

// isLoopback says whether a listening address is not reached from outside.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// servesProfiles says whether a use serves a mux with the profiles, and how it is known.
func (p *program) servesProfiles(u use) (string, bool) {
	tab, data, ok := p.servedHandler(u)
	if !ok {
		return "", false
	}
	if n, ok := tab.constant(); ok && n == 0 {
		return " with http.DefaultServeMux, where net/http/pprof registers itself", true
	}
	if !data.known {
		return "", false
	}
	t, _ := p.trace(u.caller)
	for _, r := range t.calls {
		if r.words[0] == data && p.givesProfile(r) {
			return " with a mux on which net/http/pprof is registered", true
		}
	}
	return "", false
}

// givesProfile says whether a call has one of the profiles as an argument.
func (p *program) givesProfile(c tracedCall) bool {
	return slices.ContainsFunc(c.words[1:], func(w value) bool {
		at, ok := w.constant()
		if !ok {
			return false
		}
		fn, ok := p.graph.slots.at(at)
		return ok && slices.Contains(profiles, strings.TrimSuffix(p.name(fn), "-fm"))
	})
}
