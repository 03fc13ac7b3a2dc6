package binary

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// lookupAddress is where every host name is looked up that is not an IP address. Source: net/lookup.go.
const lookupAddress = "net.(*Resolver).lookupIPAddr"

// lookups ask for a name or an address. Source: net/lookup.go.
var lookups = []string{
	"net.LookupHost", "net.LookupIP", "net.LookupAddr", "net.LookupCNAME", "net.LookupTXT", "net.LookupMX", "net.LookupNS", "net.LookupSRV",
	"net.(*Resolver).LookupHost", "net.(*Resolver).LookupIP", "net.(*Resolver).LookupIPAddr", "net.(*Resolver).LookupNetIP",
	"net.(*Resolver).LookupAddr", "net.(*Resolver).LookupCNAME", "net.(*Resolver).LookupTXT", "net.(*Resolver).LookupMX",
	"net.(*Resolver).LookupNS", "net.(*Resolver).LookupSRV",
}

// resolvers look up the host of their address, the second argument, unless it is an IP address or missing: most often it
// is that of a listener. Source: net/ipsock.go, internetAddrList.
var resolvers = []string{"net.ResolveIPAddr", "net.ResolveTCPAddr", "net.ResolveUDPAddr"}

// dialers look up the host of their address, unless it is an IP address.
var dialers = []string{
	"net.Dial", "net.DialTimeout", "net.(*Dialer).Dial", "net.(*Dialer).DialContext", "crypto/tls.Dial", "crypto/tls.DialWithDialer",
	"crypto/tls.(*Dialer).DialContext", "crypto/tls.(*Dialer).Dial", "net/smtp.SendMail", "net/smtp.Dial",
	"net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm", "net/http.(*Client).Get", "net/http.(*Client).Head",
	"net/http.(*Client).Post", "net/http.(*Client).PostForm", "net/http.(*Client).Do", "net/http.(*Client).do",
	"net/http.(*Transport).RoundTrip", "net/http/httputil.(*ReverseProxy).ServeHTTP", "net/http/httputil.NewSingleHostReverseProxy",
}

// getaddrinfo is the call into libc that -tags netgo and CGO_ENABLED=0 leave out; before Go 1.20 cgo named it.
// Source: net/cgo_unix_cgo.go, net/cgo_unix.go of Go 1.19.
const (
	getaddrinfo    = "net._C_getaddrinfo"
	oldGetaddrinfo = "net._C2func_getaddrinfo"
)

var resolver = detector{names: slices.Concat([]string{lookupAddress, getaddrinfo, oldGetaddrinfo}, lookups, resolvers, dialers), detect: detectResolver}

// detectResolver takes a lookup in the program's own code for proof, and a dial for likely: its host may be an address.
// A program that only listens links the resolver too.
func detectResolver(p *program, b *Binary) {
	if !p.linked[lookupAddress] && len(p.linkedFact(slices.Concat(lookups, resolvers))) == 0 {
		return
	}
	name := ResolverGo
	if p.linked[getaddrinfo] || p.linked[oldGetaddrinfo] {
		name = ResolverCgo
	}
	var facts []fact
	for _, u := range p.usesOf(lookups, isStandard) {
		facts = append(facts, fact{p.when(u, Proven), []string{name}, p.evidence(u, "")})
	}
	for _, u := range p.usesOf(resolvers, isStandard) {
		switch address, constant := p.constant(u, 2); {
		case !constant:
			facts = append(facts, fact{p.when(u, Likely), []string{name}, p.evidence(u, ", which looks up the host of an address known at run time only")})
		case hasHost(address, u.name == resolvers[0]):
			facts = append(facts, fact{p.when(u, Proven), []string{name}, p.evidence(u, "("+strconv.Quote(address)+")")})
		}
	}
	for _, u := range p.usesOf(dialers, isStandard) {
		facts = append(facts, fact{p.when(u, Likely), []string{name}, p.evidence(u, ", which looks up the host")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(slices.Concat([]string{lookupAddress}, lookups, resolvers))
		facts[0].names = []string{name}
	}
	b.addNeed(TopicResolver, facts)
}

// hasHost says whether an address has a host to look up; bare is one without a port.
func hasHost(address string, bare bool) bool {
	host := address
	if i := strings.LastIndexByte(address, ':'); i >= 0 && !bare {
		host = strings.Trim(address[:i], "[]")
	}
	_, err := netip.ParseAddr(host)
	return host != "" && err != nil
}
