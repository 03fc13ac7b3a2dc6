package binary

import (
	"slices"
	"strconv"
	"strings"
)

// listens open a listening socket for connections. Measured: none of them is linked into a program that only uses
// the client of net/http, while net.(*netFD).listenStream is.
var listens = []string{
	"net.Listen", "net.ListenTCP", "net.ListenUnix", "net.(*ListenConfig).Listen", "net.FileListener",
	"net/http.ListenAndServe", "net/http.ListenAndServeTLS",
	"net/http.(*Server).ListenAndServe", "net/http.(*Server).ListenAndServeTLS", "crypto/tls.Listen",
}

// packetListens open a socket for datagrams, which clients do too.
var packetListens = []string{"net.ListenPacket", "net.ListenUDP", "net.(*ListenConfig).ListenPacket"}

const shutdown = "net/http.(*Server).Shutdown"

var server = detector{names: append(append([]string{shutdown}, listens...), packetListens...), detect: detectServer}

func detectServer(p *program, b *Binary) {
	b.Server.Shutdown = p.linked[shutdown]
	var facts []fact
	uses := p.usesOf(listens, isStandard)
	for _, u := range uses {
		words := ""
		if port, address, ok := p.port(u); ok {
			words = "(" + strconv.Quote(address) + ")"
			if p.reach.reached(u.caller) {
				b.Server.Ports = append(b.Server.Ports, port)
			}
		}
		facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, words)})
	}
	p.listensAnyway(uses, facts)
	slices.Sort(b.Server.Ports)
	b.Server.Ports = slices.Compact(b.Server.Ports)
	if len(facts) == 0 { // called through an interface or a function value, or by the standard library for the program
		for _, u := range p.usesOf(listens, inPackages("net")) {
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, "")})
		}
	}
	for _, u := range p.usesOf(packetListens, isStandard) {
		facts = append(facts, fact{certainty: Possible, evidence: p.evidence(u, "")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(listens)
	}
	if len(facts) == 0 {
		return
	}
	sortFacts(facts)
	b.Server.Listens, b.Server.Certainty, b.Server.Evidence = true, facts[0].certainty, evidenceOf(facts)
}

// listensAnyway makes proof of calls of which none is sure but one of them is, such as that for TLS and that without.
func (p *program) listensAnyway(uses []use, facts []fact) {
	if slices.ContainsFunc(facts, func(f fact) bool { return f.certainty == Proven }) {
		return
	}
	for i, u := range uses {
		if facts[i].certainty == Likely && p.surelySome(uses, u.caller) {
			facts[i].certainty = Proven
			facts[i].evidence.Text = strings.TrimSuffix(facts[i].evidence.Text, undecided) + ", here or in another branch"
		}
	}
}
