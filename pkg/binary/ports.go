package binary

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// listenCall says where a function that listens or serves has its arguments, in words; -1 if it has no such.
type listenCall struct {
	network int // a string: "tcp"
	address int // a string
	server  int // a *net/http.Server, whose first fields are the address and the handler
	handler int // an http.Handler
}

// listenCalls are the functions whose address or handler is looked at.
var listenCalls = map[string]listenCall{
	"net.Listen":                           {0, 2, -1, -1},
	"net.(*ListenConfig).Listen":           {3, 5, -1, -1}, // after the receiver and the context
	"crypto/tls.Listen":                    {0, 2, -1, -1},
	"net/http.ListenAndServe":              {-1, 0, -1, 2},
	"net/http.ListenAndServeTLS":           {-1, 0, -1, 6},
	"net/http.Serve":                       {-1, -1, -1, 2},
	"net/http.ServeTLS":                    {-1, -1, -1, 2},
	"net/http.(*Server).ListenAndServe":    {-1, -1, 0, -1},
	"net/http.(*Server).ListenAndServeTLS": {-1, -1, 0, -1},
	"net/http.(*Server).Serve":             {-1, -1, 0, -1},
	"net/http.(*Server).ServeTLS":          {-1, -1, 0, -1},
}

// Offsets in net/http.Server of every release. Source: net/http/server.go.
const (
	serverAddr    = 0
	serverHandler = 16
)

// serves are those of them that serve HTTP.
func serves() []string {
	var names []string
	for name, c := range listenCalls {
		if c.server >= 0 || c.handler >= 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// port returns the TCP port that a use listens on, if its address is a constant.
func (p *program) port(u use) (int, string, bool) {
	where, ok := listenCalls[u.name]
	c, called := p.tracedCall(u)
	if !ok || !called {
		return 0, "", false
	}
	if where.network >= 0 {
		if network, ok := p.constantText(c.words[where.network], c.words[where.network+1]); !ok || !strings.HasPrefix(network, "tcp") {
			return 0, "", false
		}
	}
	var pointer, length value
	switch {
	case where.address >= 0:
		pointer, length = c.words[where.address], c.words[where.address+1]
	case where.server >= 0 && !strings.HasSuffix(u.name, ".Serve") && !strings.HasSuffix(u.name, ".ServeTLS"):
		pointer, length = p.serverAddress(u, c)
	default:
		return 0, "", false
	}
	address, ok := p.constantText(pointer, length)
	if !ok {
		return 0, "", false
	}
	n, ok := portOf(address, u.name)
	return n, address, ok
}

// serverAddress returns the words of the address of a *net/http.Server at a call. What was known of it before it was
// given to others is taken to hold still, if nothing is seen to set it after.
func (p *program) serverAddress(u use, c *tracedCall) (pointer, length value) {
	at := c.words[listenCalls[u.name].server].add(serverAddr)
	t, ok := p.trace(u.caller)
	if !ok || !at.known {
		return value{}, value{}
	}
	for i := len(t.calls) - 1; i >= 0; i-- {
		if t.calls[i].at > c.at {
			continue
		}
		memory := scope{memory: t.calls[i].memory}
		pointer, length = memory.load(at), memory.load(at.add(8))
		if _, set := memory.memory.get(at.add(8)); set || length.known || at.kind != isObject {
			break
		}
	}
	return pointer, length
}

// portOf returns the port of a listening address; that of an empty one is decided by the function. Port 0 is any.
func portOf(address, function string) (int, bool) {
	if address == "" && strings.HasPrefix(function, "net/http.") {
		address = ":http"
		if strings.HasSuffix(function, "TLS") {
			address = ":https"
		}
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, false
	}
	switch port {
	case "http":
		return 80, true
	case "https":
		return 443, true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return int(n), err == nil && n > 0
}

// tracedCall returns what is known at a use that is a call.
func (p *program) tracedCall(u use) (*tracedCall, bool) {
	if u.how != called || p.graph == nil {
		return nil, false
	}
	t, ok := p.trace(u.caller)
	if !ok {
		return nil, false
	}
	return t.call(u.at)
}

// constantText returns the string whose two words are constants.
func (p *program) constantText(pointer, length value) (string, bool) {
	at, ok1 := pointer.constant()
	n, ok2 := length.constant()
	switch {
	case !ok2 || n > maxConstant:
		return "", false
	case n == 0:
		return "", true
	case !ok1:
		return "", false
	}
	return p.m.text(at, n)
}
