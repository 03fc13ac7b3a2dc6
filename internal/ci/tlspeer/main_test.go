package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMakeCAKeepsOneThatIsGood(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	read := func() []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	makeAt := func(at time.Time) []byte {
		t.Helper()
		if err := makeCA(dir, at); err != nil {
			t.Fatal(err)
		}
		return read()
	}
	first := makeAt(now)
	if second := makeAt(now.AddDate(0, 9, 0)); !bytes.Equal(first, second) {
		t.Error("the CA was replaced three months before its end")
	}
	if third := makeAt(now.AddDate(0, 11, 0)); bytes.Equal(first, third) {
		t.Error("the CA was kept to within a month of its end")
	}
}

// The peer is reached with the CA in the pool, and only then.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	if err := makeCA(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	go func() { in.CloseWithError(serve(dir, "127.0.0.1:0", in)) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimSpace(line), "127.0.0.1:")

	pem, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	get := func(roots *x509.CertPool) (*http.Response, error) {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
		return client.Get("https://localhost:" + port + "/")
	}
	response, err := get(pool)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "hello\n" {
		t.Errorf("the peer said %q", body)
	}
	var unknown x509.UnknownAuthorityError
	if _, err := get(x509.NewCertPool()); !errors.As(err, &unknown) {
		t.Errorf("without the CA: %v, want an unknown authority", err)
	}
}
