package binary

import (
	"slices"
	"strconv"
	"strings"
)

// systemRoots reads the system's roots; a program without it cannot need them. A mere server links it too.
const systemRoots = "crypto/x509.loadSystemRoots"

// requests are the functions of net/http's client that take a URL, and which word of the arguments it starts at.
var requests = []struct {
	name string
	word int
}{
	{"net/http.Get", 0}, {"net/http.Head", 0}, {"net/http.Post", 0}, {"net/http.PostForm", 0},
	{"net/http.(*Client).Get", 1}, {"net/http.(*Client).Head", 1}, {"net/http.(*Client).Post", 1},
	{"net/http.(*Client).PostForm", 1},
	{"net/http.NewRequest", 2},            // after the method
	{"net/http.NewRequestWithContext", 4}, // after the context and the method
}

// httpClients are linked with any use of net/http's client and with no server: one of them must be there for a
// request to be sent. Measured on stripped programs of Go 1.16 to 1.26.
var httpClients = []string{"net/http.(*Client).do", "net/http.(*Transport).roundTrip", "net/http.(*Transport).RoundTrip"}

// transports send requests that were made elsewhere, such as a reverse proxy's.
var transports = []string{
	"net/http.(*Client).Do", "net/http.(*Client).do", "net/http.(*Transport).RoundTrip",
	"net/http/httputil.(*ReverseProxy).ServeHTTP", "net/http/httputil.NewSingleHostReverseProxy",
}

// dials always speak TLS as a client.
var dials = []string{
	"crypto/tls.Dial", "crypto/tls.DialWithDialer", "crypto/tls.dial", "crypto/tls.(*Dialer).DialContext",
	"crypto/tls.(*Dialer).Dial",
}

// tlsClients begin TLS on a connection that is there already, as drivers do when they are asked to.
var tlsClients = []string{"crypto/tls.Client", "net/smtp.(*Client).StartTLS", "net/smtp.SendMail"}

// systemCertPool hands the system's roots to the program.
const systemCertPool = "crypto/x509.SystemCertPool"

// ownRoots build a pool of the program's own.
var ownRoots = []string{"crypto/x509.(*CertPool).AppendCertsFromPEM", "crypto/x509.(*CertPool).AddCert"}

// builders make a URL of parts; the words are where their string arguments start.
var builders = map[string][]int{
	"runtime.concatstring2": {1, 3}, "runtime.concatstring3": {1, 3, 5}, "fmt.Sprintf": {0}, "net/url.Parse": {0},
	"net/url.JoinPath": {0},
}

var caRoots = detector{names: caRootsNames(), detect: detectCARoots}

func caRootsNames() []string {
	names := slices.Concat([]string{systemRoots, systemCertPool}, requestNames(), httpClients, transports, dials, tlsClients, ownRoots)
	for name := range builders {
		names = append(names, name)
	}
	return names
}

func requestNames() []string {
	var names []string
	for _, r := range requests {
		names = append(names, r.name)
	}
	return names
}

// detectCARoots looks for a TLS client that verifies with the system's roots. A TLS or HTTP server is none.
func detectCARoots(p *program, b *Binary) {
	if !p.linked[systemRoots] {
		return
	}
	var facts []fact
	if len(p.linkedFact(httpClients)) > 0 {
		facts = append(facts, p.requestFacts()...)
		for _, u := range p.usesOf(transports, isStandard) {
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, "")})
		}
	}
	for _, u := range p.usesOf(dials, isStandard) {
		facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "")})
	}
	for _, u := range p.usesOf(append(tlsClients, systemCertPool), isStandard) {
		facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, "")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(slices.Concat(httpClients, dials))
	}
	switch p.ownVerification(slices.Concat(requestNames(), transports, dials, tlsClients, []string{systemCertPool})) {
	case configInsecure:
		return
	case configOwn:
		facts = p.weaken(facts)
		for i := range facts {
			facts[i].certainty = Possible
		}
		b.addNeed(TopicCARoots, facts)
		return
	}
	b.addNeed(TopicCARoots, p.weaken(facts))
}

// requestFacts returns the places where the program makes a request.
func (p *program) requestFacts() []fact {
	words := map[string]int{}
	for _, r := range requests {
		words[r.name] = r.word
	}
	var facts []fact
	for _, u := range p.usesOf(requestNames(), isStandard) {
		facts = append(facts, p.requestFact(u, words[u.name]))
	}
	return facts
}

// requestFact judges a request by its URL: https must verify, http might be redirected, and one that is known at run
// time only is followed to where a constant goes in.
func (p *program) requestFact(u use, word int) fact {
	url, constant := p.constant(u, word)
	switch {
	case constant && isHTTPS(url):
		return fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "("+strconv.Quote(url)+")")}
	case constant:
		return fact{certainty: Possible, evidence: p.evidence(u, "("+strconv.Quote(url)+")")}
	}
	if url, ok := p.builtURL(u.caller); ok {
		return fact{certainty: p.when(u, Proven), evidence: p.evidence(u, " with a URL made of "+strconv.Quote(url))}
	}
	if url, ok := p.passedURL(u.caller); ok {
		return fact{certainty: p.when(u, Proven), evidence: p.evidence(u, ", and is given "+strconv.Quote(url))}
	}
	return fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a URL known at run time only")}
}

func isHTTPS(url string) bool {
	const scheme = "https://"
	return len(url) > len(scheme) && strings.EqualFold(url[:len(scheme)], scheme)
}

// builtURL returns a constant that begins with https:// and is made into a longer string or parsed in a function.
func (p *program) builtURL(fn int32) (string, bool) {
	words := map[int32][]int{}
	for name, w := range builders {
		for _, body := range p.bodies[name] {
			words[body] = w
		}
	}
	for _, c := range p.callsTo(fn, func(callee int32) bool { return words[callee] != nil }) {
		for _, w := range words[c.callee] {
			if s, ok := c.text(p, w); ok && isHTTPS(s) {
				return s, true
			}
		}
	}
	return "", false
}

// passedURL returns a constant https URL that a reached function of the program passes to fn.
func (p *program) passedURL(fn int32) (string, bool) {
	for _, caller := range p.graph.callers(fn, 64) {
		if !p.reach.reached(caller) || isStandard(packageOf(p.name(caller))) {
			continue
		}
		for _, c := range p.callsTo(caller, func(callee int32) bool { return callee == fn }) {
			for w := range 8 {
				if s, ok := c.text(p, w); ok && isHTTPS(s) {
					return s, true
				}
			}
		}
	}
	return "", false
}

// weaken lowers what is proven to likely if the program is seen to bring roots of its own, or not to verify: that may
// be meant for this client.
func (p *program) weaken(facts []fact) []fact {
	const fallback = "golang.org/x/crypto/x509roots/fallback" // adds to the system's roots, does not replace them
	var other []fact
	for _, u := range p.usesOf(ownRoots, func(pkg string) bool { return isStandard(pkg) || pkg == fallback }) {
		if p.reach.reached(u.caller) {
			other = append(other, fact{certainty: Likely, evidence: p.evidence(u, ", so it may trust roots of its own")})
		}
	}
	for _, u := range p.insecureUses() {
		other = append(other, fact{certainty: Likely, evidence: p.evidence(u, " to true, so it may not verify")})
	}
	if len(facts) == 0 || len(other) == 0 && p.insecure != 0 {
		return facts
	}
	for i := range facts { // what a configuration says is not seen in programs of Go 1.16
		if facts[i].certainty == Proven {
			facts[i].certainty = Likely
		}
	}
	if len(other) == 0 {
		return facts
	}
	sortFacts(facts)
	sortFacts(other)
	return append(facts[:min(len(facts), maxEvidence-1)], other[0])
}

// insecureUses returns the functions of the program that refer to crypto/tls.Config and store true where
// InsecureSkipVerify is.
func (p *program) insecureUses() []use {
	var uses []use
	if p.graph == nil || p.insecure == 0 {
		return nil
	}
	for _, fn := range p.graph.marks {
		if isStandard(packageOf(p.name(fn))) || !p.reach.reached(fn) {
			continue
		}
		var at uint32
		p.track(fn, func(pos int64, s step, _ *registers) {
			if s.flag == int64(p.insecure) {
				at = uint32(pos)
			}
		})
		if at != 0 {
			uses = append(uses, use{name: "crypto/tls.Config.InsecureSkipVerify", caller: fn, at: at, how: sets})
		}
	}
	return uses
}
