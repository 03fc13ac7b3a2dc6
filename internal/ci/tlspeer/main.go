// Command tlspeer is the HTTPS peer that the real program of testdata/real calls, signed by a throw-away authority.
//
//	tlspeer ca DIR           make DIR/ca.crt and DIR/ca.key unless a CA that is good for two more months is there
//	tlspeer serve DIR ADDR   serve https://localhost on ADDR with a certificate of that CA, until it is killed
//
// The CA is put into the bundle of the test images only (internal/ci/base-images.sh): whether a container reaches the
// peer then depends on its image having a bundle, and on nothing else.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tlspeer:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "ca":
		return makeCA(args[1], time.Now())
	case len(args) == 3 && args[0] == "serve":
		return serve(args[1], args[2], stdout)
	}
	return fmt.Errorf("usage: tlspeer ca DIR | tlspeer serve DIR ADDR")
}

// makeCA writes a self-signed authority, valid for a year, unless dir has one that is valid for 60 more days.
func makeCA(dir string, now time.Time) error {
	if ca, err := loadCA(dir); err == nil && now.Add(60*24*time.Hour).Before(ca.Leaf.NotAfter) {
		return nil
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "imgaudit throw-away test CA"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the CA key: %w", err)
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("signing the CA: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the CA key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, "ca.key"), "PRIVATE KEY", private, 0o600); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, "ca.crt"), "CERTIFICATE", cert, 0o644)
}

func writePEM(name, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

func loadCA(dir string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
}

// serve answers every request with a greeting. It prints its address once it accepts connections.
func serve(dir, addr string, stdout io.Writer) error {
	ca, err := loadCA(dir)
	if err != nil {
		return fmt.Errorf("reading the CA: %w", err)
	}
	leaf, err := issue(ca, time.Now())
	if err != nil {
		return fmt.Errorf("signing the certificate of localhost: %w", err)
	}
	listener, err := tls.Listen("tcp", addr, &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "tlspeer: serving https://%s\n", listener.Addr())
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }),
	}
	return server.Serve(listener)
}

// issue signs a certificate for localhost and 127.0.0.1 that is valid for a day.
func issue(ca tls.Certificate, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}, ca.Leaf, key.Public(), ca.PrivateKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}, nil
}
