package layers

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ErrOffline is what a source says that would need the network, which Options.Offline forbids.
var ErrOffline = errors.New("it needs the network, which --offline forbids")

// errPlainHTTP is a registry that is only had without TLS.
var errPlainHTTP = errors.New("plain http is only for loopback and for --insecure-registry HOST")

// patience is how long a registry may keep silent.
type patience struct {
	dial   time.Duration // until it takes the connection, and again until TLS stands
	answer time.Duration // until the header of an answer is there
	idle   time.Duration // between two bytes of a body
	pause  time.Duration // before the first retry; doubled before each next one
}

var usualPatience = patience{dial: 10 * time.Second, answer: 30 * time.Second, idle: 30 * time.Second, pause: 200 * time.Millisecond}

// network is the way to registries: one connection pool for each host, with the certificates of that host alone. It
// refuses plain http where nobody allowed it, and every dial when offline.
type network struct {
	env      environment
	patience patience
	offline  bool
	caFiles  []string

	mu       sync.Mutex
	insecure map[string]bool // by host[:port] as written by the user
	hosts    map[string]*http.Transport
}

func newNetwork(env environment, opt Options) *network {
	n := &network{env: env, patience: cmp.Or(opt.patience, usualPatience), offline: opt.Offline, caFiles: opt.CAFiles, insecure: map[string]bool{}, hosts: map[string]*http.Transport{}}
	for _, host := range opt.InsecureRegistries {
		n.insecure[host] = true
	}
	return n
}

// trust lets a host be reached without TLS, or with a certificate that nobody signed.
func (n *network) trust(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.insecure[host] = true
}

// trusted tells whether a host was named insecure: with its port, or without it for every port.
func (n *network) trusted(host string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, _, err := net.SplitHostPort(host)
	return n.insecure[host] || err == nil && n.insecure[name]
}

// RoundTrip sends a request over the connections of its host.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	if n.offline {
		return nil, ErrOffline
	}
	if req.URL.Scheme != "https" && !n.trusted(host) && !loopback(host) && !afterPlain(req) {
		return nil, errPlainHTTP
	}
	t, err := n.transport(host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := t.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		if silent(err) && req.Context().Err() == nil {
			return nil, &silence{host: host, after: n.patience.answer, err: err}
		}
		return nil, err
	}
	resp.Request = req
	resp.Body = &watchedBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, late: &silence{host: host, after: n.patience.idle, err: errors.New("no more bytes")}}
	return resp, nil
}

// afterPlain tells a request without credentials that plain http was redirected to: nothing is lost there that the
// redirect had not lost, and its bytes are held against their digest.
func afterPlain(req *http.Request) bool {
	return req.Header.Get("Authorization") == "" && req.Response != nil && req.Response.Request != nil && req.Response.Request.URL.Scheme == "http"
}

// loopback tells names and addresses of this machine.
func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// transport returns the connections of a host.
func (n *network) transport(host string) (*http.Transport, error) {
	insecure := n.trusted(host)
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.hosts[host]; t != nil {
		return t, nil
	}
	certificates, err := certificatesFor(n.env, host, n.caFiles)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: n.patience.dial, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: certificates.roots, Certificates: certificates.client, InsecureSkipVerify: insecure},
		TLSHandshakeTimeout:    n.patience.dial,
		ResponseHeaderTimeout:  n.patience.answer,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
	}
	n.hosts[host] = t
	return t, nil
}

// silence is a host that took a request and said nothing more.
type silence struct {
	host  string
	after time.Duration
	err   error
}

func (s *silence) Error() string {
	return fmt.Sprintf("%s has been silent for %s (%v)", s.host, s.after, s.err)
}
func (s *silence) Unwrap() error { return s.err }
func (s *silence) Timeout() bool { return true }

// silent tells errors that mean: no answer in time.
func silent(err error) bool {
	var late interface{ Timeout() bool }
	return errors.As(err, &late) && late.Timeout()
}

// watchedBody is a body whose every read must end in time.
type watchedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	late   *silence
}

func (b *watchedBody) Read(p []byte) (int, error) {
	timer := time.AfterFunc(b.late.after, func() { b.cancel(b.late) })
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	if cause := context.Cause(b.ctx); err != nil && err != io.EOF && cause != nil {
		err = cause
	}
	return n, err
}

func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
