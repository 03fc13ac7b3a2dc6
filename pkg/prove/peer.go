package prove

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// peer stands for the rest of the world in a container's network: every name resolves to it, and it speaks TLS with a
// certificate for whatever name the program asks for.
type peer struct {
	mu         sync.Mutex
	names      []string
	handshakes []audit.Handshake
	closers    []interface{ Close() error }
	network    *network
}

// world starts the peer of a program's network, in one of its own that it keeps in a directory. It speaks TLS at 443 and at
// further ports.
func world(program *network, dir string, ca *authority, ports []string) (p *peer, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	p = &peer{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.network, err = newNetwork(dir); err != nil {
		return p, err
	}
	if err := link(program, p.network); err != nil {
		return p, err
	}
	conn, err := p.network.listenPacket(net.JoinHostPort(worldAddress, "53"))
	if err != nil {
		return p, err
	}
	p.closers = append(p.closers, conn)
	go p.resolve(conn)
	for _, port := range append([]string{"443"}, ports...) {
		l, err := p.network.listen(net.JoinHostPort(worldAddress, port))
		if err != nil {
			return p, err
		}
		p.closers = append(p.closers, l)
		go p.serve(l, ca)
	}
	return p, nil
}

// close ends what listens, and with the network the program's link to it.
func (p *peer) close() error {
	for _, c := range p.closers {
		_ = c.Close()
	}
	if p.network == nil {
		return nil
	}
	return p.network.close()
}

// seen returns what the program asked for so far: names, and handshakes in their order.
func (p *peer) seen() ([]string, []audit.Handshake) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.names...), append([]audit.Handshake(nil), p.handshakes...)
}

// serve answers every request with an empty object.
func (p *peer) serve(l net.Listener, ca *authority) {
	config := &tls.Config{GetCertificate: ca.certificate, MinVersion: tls.VersionTLS10}
	server := &http.Server{ReadTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}\n"))
	})}
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go p.shake(tls.Server(conn, config), server)
	}
}

// shake does the handshake and notes how it went. With TLS 1.3 the client's refusal comes after the server is done: it is
// read with the first bytes.
func (p *peer) shake(conn *tls.Conn, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := conn.HandshakeContext(ctx)
	first := make([]byte, 1)
	n := 0
	if err == nil {
		n, err = conn.Read(first)
	}
	h := audit.Handshake{Server: conn.ConnectionState().ServerName, Refused: alert(err)}
	p.mu.Lock()
	p.handshakes = append(p.handshakes, h)
	p.mu.Unlock()
	if err != nil {
		conn.Close()
		return
	}
	one := &single{conn: &begun{Conn: conn, first: first[:n]}}
	_ = server.Serve(one)
}

// alert is what the client refused with, "" if it did not.
func alert(err error) string {
	var op *net.OpError
	var a tls.AlertError
	switch {
	case errors.As(err, &a):
		return a.Error()
	case errors.As(err, &op) && op.Op == "remote error":
		return op.Err.Error()
	}
	return ""
}

// begun is a connection whose first bytes were read.
type begun struct {
	net.Conn
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// single is a listener of one connection.
type single struct{ conn net.Conn }

func (s *single) Accept() (net.Conn, error) {
	if s.conn == nil {
		return nil, net.ErrClosed
	}
	c := s.conn
	s.conn = nil
	return c, nil
}
func (s *single) Close() error   { return nil }
func (s *single) Addr() net.Addr { return &net.TCPAddr{} }

// resolve answers every question for an IPv4 address with the peer's, and every other with nothing.
// Source: RFC 1035; golang.org/x/net/dns/dnsmessage.
func (p *peer) resolve(conn net.PacketConn) {
	packet := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(packet[:n]) != nil || m.Response || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true}, Questions: m.Questions}
		if q.Type == dnsmessage.TypeA {
			answer.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: netip.MustParseAddr(worldAddress).As4()}}}
			p.mu.Lock()
			p.names = append(p.names, q.Name.String())
			p.mu.Unlock()
		}
		if b, err := answer.Pack(); err == nil {
			_, _ = conn.WriteTo(b, from)
		}
	}
}
