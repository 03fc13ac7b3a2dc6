package reality

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// peerAddress and expiredAddress are compiled into the programs under test.
const (
	peerAddress    = "127.0.0.1:8443"
	expiredAddress = "127.0.0.1:8444"
)

// peer is a TLS server on loopback with the certificates of its authority, and of another one, and a server whose
// authority has expired.
type peer struct {
	authority, other, expired string // PEM
	taken                     error  // why it could not listen
}

// authority makes a root certificate that is valid until a time.
func authority(t *testing.T, name string, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: until.Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// newPeer starts the servers; they live as long as the test.
func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{}
	_, _, p.other = authority(t, "another authority", time.Now().Add(time.Hour))
	p.authority = p.serve(t, peerAddress, "imgaudit reality", time.Now().Add(time.Hour))
	p.expired = p.serve(t, expiredAddress, "imgaudit past", time.Now().Add(-time.Minute))
	return p
}

// serve starts a server, and returns the certificate of its authority.
func (p *peer) serve(t *testing.T, address, name string, until time.Time) (bundle string) {
	t.Helper()
	ca, caKey, bundle := authority(t, name, until)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		p.taken = err
		return bundle
	}
	server := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		ErrorLog:  log.New(io.Discard, "", 0), // handshakes fail on purpose
	}
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	return bundle
}

// needPeer skips when the server's port is taken.
func (w *world) needPeer(t *testing.T) {
	t.Helper()
	if w.peer.taken != nil {
		lab.Lacking(t, "no TLS server: %v", w.peer.taken)
	}
}

// bundle is a file with the certificate of the server's authority.
func bundle(path string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		w.needPeer(t)
		return text(path, w.peer.authority)(t, w)
	}
}

// otherBundle is a file with a certificate that has nothing to do with the server.
func otherBundle(path string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		w.needPeer(t)
		return text(path, w.peer.other)(t, w)
	}
}

// fallback is the program that brings the authority's certificate itself.
func fallback(path string) part {
	return func(t *testing.T, w *world) []layers.File {
		t.Helper()
		w.needPeer(t)
		roots := base64.StdEncoding.EncodeToString([]byte(w.peer.authority))
		return program(path, "fallback", build{"fallback", []string{"CGO_ENABLED=0"}, []string{"-trimpath", "-ldflags=-X main.bundle=" + roots}})(t, w)
	}
}
