package binary

import (
	"slices"
	"strconv"
	"strings"
	"sync"
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
var tlsClients = []string{"crypto/tls.Client", "crypto/tls.QUICClient", "net/smtp.(*Client).StartTLS", "net/smtp.SendMail"}

// systemCertPool hands the system's roots to the program.
const systemCertPool = "crypto/x509.SystemCertPool"

// verify checks a certificate without TLS, by the system's roots if it is not given others. Source: crypto/x509/verify.go.
const verify = "crypto/x509.(*Certificate).Verify"

// builders make a URL of parts; the word is where the string starts that it begins with.
var builders = map[string]int{
	"runtime.concatstring2": 1, "runtime.concatstring3": 1, "fmt.Sprintf": 0, "net/url.Parse": 0, "net/url.JoinPath": 0,
}

var caRoots = detector{names: caRootsNames(), detect: detectCARoots}

func caRootsNames() []string {
	names := slices.Concat([]string{systemRoots, systemCertPool, verify}, requestNames(), httpClients, transports, dials, tlsClients, doubtNames(), defaultSenders)
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

// client is a place where a TLS client verifies.
type client struct {
	fact
	use
}

// detectCARoots looks for a TLS client that verifies with the system's roots. A TLS or HTTP server is none.
func detectCARoots(p *program, b *Binary) {
	if !p.linked[systemRoots] {
		return
	}
	clients := p.tlsClients()
	facts := p.undoubted(clients)
	if len(clients) == 0 {
		facts = p.linkedFact(slices.Concat(httpClients, dials))
	}
	switch p.ownVerification(slices.Concat(requestNames(), transports, dials, tlsClients, []string{systemCertPool})) {
	case configInsecure:
		facts = nil
	case configOwn:
		for i := range facts {
			facts[i].certainty = Possible
		}
	}
	for _, u := range p.usesOf([]string{verify}, isStandard) {
		facts = append(facts, fact{certainty: p.when(u, p.verifyCertainty()), evidence: p.evidence(u, "")})
	}
	b.addNeed(TopicCARoots, facts)
}

// tlsClients returns the places where the program makes a request or begins TLS, as if the system's roots were all that
// it may trust.
func (p *program) tlsClients() []client {
	var all []client
	add := func(certainty Certainty, names ...string) {
		for _, u := range p.usesOf(names, isStandard) {
			all = append(all, client{fact{certainty: p.when(u, certainty), evidence: p.evidence(u, "")}, u})
		}
	}
	if len(p.linkedFact(httpClients)) > 0 {
		words := map[string]int{}
		for _, r := range requests {
			words[r.name] = r.word
		}
		for _, u := range p.usesOf(requestNames(), isStandard) {
			all = append(all, client{p.requestFact(u, words[u.name]), u})
		}
		add(Likely, transports...)
	}
	add(Proven, dials...)
	add(Likely, append(tlsClients, systemCertPool)...)
	return all
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
	if url, last := p.builtURL(u); url != "" {
		return fact{certainty: p.when(u, provenIf(last)), evidence: p.evidence(u, " with a URL made of "+strconv.Quote(url))}
	}
	if url, whole := p.passedURL(u, word); url != "" {
		return fact{certainty: p.when(u, provenIf(whole)), evidence: p.evidence(u, ", and is given "+strconv.Quote(url))}
	}
	return fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a URL known at run time only")}
}

func provenIf(sure bool) Certainty {
	if sure {
		return Proven
	}
	return Likely
}

func isHTTPS(url string) bool {
	const scheme = "https://"
	return len(url) > len(scheme) && strings.EqualFold(url[:len(scheme)], scheme)
}

// builtURL returns a constant that begins with https:// and is made into a longer string or parsed in the function of a
// use, "" if there is none; last says that no other string is made between the two, and that this one surely is.
func (p *program) builtURL(u use) (url string, last bool) {
	words, at := map[int32]int{}, uint32(0)
	for name, w := range builders {
		for _, body := range p.bodies[name] {
			words[body] = w
		}
	}
	for _, c := range p.callsTo(u.caller, func(callee int32) bool { _, ok := words[callee]; return ok }) {
		s, ok := c.text(p, words[c.callee])
		ok = ok && isHTTPS(s)
		if ok {
			url = s
		}
		if c.at < u.at {
			last, at = ok, c.at
		}
	}
	return url, last && p.surely(use{caller: u.caller, at: at})
}

// passedURL returns a constant https URL that a reached function of the program passes to the function of a use, "" if
// there is none; whole says that it is what the use is given, and surely so.
func (p *program) passedURL(u use, word int) (url string, whole bool) {
	parameter := sync.OnceValue(func() int { // asked for where there is a URL only
		if c, ok := p.tracedCall(u); ok && c.words[word].known && c.words[word].kind == isParameter {
			return int(c.words[word].n)
		}
		return -1
	})
	for _, caller := range p.graph.callers(u.caller, 64) {
		if !p.reach.reached(caller) || isStandard(packageOf(p.name(caller))) {
			continue
		}
		for _, c := range p.callsTo(caller, func(callee int32) bool { return callee == u.caller }) {
			for w := range 8 {
				if s, ok := c.text(p, w); ok && isHTTPS(s) && (url == "" || w == parameter()) {
					url, whole = s, w == parameter() && p.surely(use{caller: caller, at: c.at})
				}
			}
			if whole {
				return url, true
			}
		}
	}
	return url, false
}
