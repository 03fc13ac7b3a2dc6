package binary

import "slices"

// doubts are what a program does that may leave a TLS client without need of the system's roots. Each is seen in the
// program as a whole: which client it is meant for is not.
type doubts struct {
	environment []fact // concerns every client
	configs     []fact // concerns those whose crypto/tls.Config is not seen
	transports  []fact // concerns HTTP clients whose transport is not seen
	fields      bool   // which fields are set could be looked for; not so in programs of Go 1.16
}

// ownRoots build a pool of the program's own, which may be an empty one.
var ownRoots = []string{"crypto/x509.NewCertPool", "crypto/x509.(*CertPool).AppendCertsFromPEM", "crypto/x509.(*CertPool).AddCert"}

// setenvs change the environment, where crypto/x509 looks for SSL_CERT_FILE and SSL_CERT_DIR when it first needs roots.
// Source: crypto/x509/root_unix.go.
var setenvs = []string{"os.Setenv", "syscall.Setenv"}

// fileTransports answer requests without a network. Source: net/http/filetransport.go.
var fileTransports = []string{"net/http.fileTransport.RoundTrip", "net/http.(*fileTransport).RoundTrip"}

// cloneConfig copies a configuration that may be of a function only, or of the data.
const cloneConfig = "crypto/tls.(*Config).Clone"

func doubtNames() []string {
	return slices.Concat(ownRoots, setenvs, fileTransports, []string{cloneConfig})
}

// fallbackRoots adds to the system's roots and does not replace them.
const fallbackRoots = "golang.org/x/crypto/x509roots/fallback"

// doubt looks for all of them.
func (p *program) doubt() *doubts {
	d := &doubts{fields: p.insecure != 0}
	for _, u := range p.usesOf(setenvs, isStandard) {
		if name, ok := p.constant(u, 0); ok && (name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR") {
			d.environment = append(d.environment, p.doubtAt(u, "("+name+"), so it may bring roots of its own"))
		}
	}
	for _, u := range p.usesOf(ownRoots, func(pkg string) bool { return isStandard(pkg) || pkg == fallbackRoots }) {
		if p.reach.reached(u.caller) {
			d.configs = append(d.configs, p.doubtAt(u, ", so it may trust roots of its own"))
		}
	}
	if p.graph == nil {
		return d
	}
	for _, u := range p.usesOf([]string{cloneConfig}, isStandard) {
		if c, ok := p.tracedCall(u); !ok || p.configExposure(c.words[0], c, scope{fn: u.caller, memory: c.memory}) != exposedNot {
			d.configs = append(d.configs, p.doubtAt(u, ", which may hold roots of its own or not verify"))
		}
	}
	x := p.importersOf("crypto/tls", "net/http")
	if d.fields {
		for _, u := range p.storesTo(fieldStore{1, p.insecure}) {
			if u.name = "crypto/tls.Config.InsecureSkipVerify"; x.given(u.caller) {
				d.configs = append(d.configs, p.doubtAt(u, ", so it may not verify"))
			}
		}
	}
	p.doubtTransports(x, d)
	return d
}

// doubtTransports looks for transports that answer by themselves, and for those that begin TLS otherwise; one is enough.
// A method may be called through an interface that the graph does not see: it counts where it is linked.
func (p *program) doubtTransports(x *importers, d *doubts) {
	own := p.linkedFact(fileTransports)
	for _, fn := range p.methods("RoundTrip") {
		own = append(own, fact{evidence: Evidence{Text: "links " + p.name(fn)}})
	}
	if len(own) > 0 {
		own[0].evidence.Text += ", which may answer requests otherwise"
		d.transports = append(d.transports, fact{certainty: Likely, evidence: own[0].evidence})
		return
	}
	for _, hook := range p.transportFields().hooks {
		for _, u := range p.storesTo(fieldStore{8, hook}) {
			if u.name = "net/http.Transport.DialTLS"; x.has(u.caller) && packageOf(p.name(u.caller)) != otherHTTP2 {
				d.transports = append(d.transports, p.doubtAt(u, ", so it may begin TLS otherwise"))
				return
			}
		}
	}
}

// otherHTTP2 is where net/http's HTTP/2 comes from. It sets no such field, and one of its own is at the same offset.
const otherHTTP2 = "golang.org/x/net/http2"

func (p *program) doubtAt(u use, words string) fact {
	return fact{certainty: Likely, evidence: p.evidence(u, words)}
}

// undoubted returns the facts about clients: what is proven of one becomes likely if the program does something that
// may be meant for it.
func (p *program) undoubted(clients []client) []fact {
	var facts []fact
	var d *doubts
	var because []fact
	for _, c := range clients {
		if c.certainty == Proven {
			if d == nil {
				d = p.doubt()
			}
			if doubtful, why := p.doubtful(c.use, d); doubtful {
				c.certainty = Likely
				because = append(because, why...)
			}
		}
		facts = append(facts, c.fact)
	}
	if len(because) == 0 {
		return facts
	}
	sortFacts(facts)
	sortFacts(because)
	return append(facts[:min(len(facts), maxEvidence-1)], because[0])
}

// doubtful says whether a client may do without the system's roots, and what tells so.
func (p *program) doubtful(u use, d *doubts) (bool, []fact) {
	why := d.environment
	switch p.exposure(u) {
	case exposedOwn:
		return true, slices.Concat(why, d.configs)
	case exposedDefault:
		if !d.some() || !p.changesDefault() {
			break
		}
		return true, slices.Concat(why, d.configs, d.transports)
	case exposedConfig:
		why = slices.Concat(why, d.configs)
		return len(why) > 0 || !d.fields, why
	case exposedWhole:
		return d.some(), slices.Concat(why, d.configs, d.transports)
	}
	return len(why) > 0, why
}

// some says whether there is any doubt.
func (d *doubts) some() bool {
	return !d.fields || len(d.environment)+len(d.configs)+len(d.transports) > 0
}

// verifyCertainty is how sure it is that a certificate is verified by the system's roots: a program without roots of its
// own has no others.
func (p *program) verifyCertainty() Certainty {
	if len(p.usesOf(ownRoots, isStandard)) > 0 {
		return Possible
	}
	return Likely
}
