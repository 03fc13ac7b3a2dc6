package layers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// TestCertificates: a registry behind TLS, signed by an authority that only some settings know.
func TestCertificates(t *testing.T) {
	f := serveFaulty(t, small(), nil)
	s := serveTLS(t, f.store, nil)
	host := strings.TrimPrefix(s.URL, "https://")
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	bare, _, _ := strings.Cut(host, ":")
	for name, c := range map[string]struct {
		prepare func(home string) layers.Options
		want    string
	}{
		"unknown":        {func(string) layers.Options { return layers.Options{} }, "x509: certificate signed by unknown authority; --ca-cert FILE adds one"},
		"insecure":       {func(string) layers.Options { return layers.Options{InsecureRegistries: []string{host}} }, ""},
		"insecure name":  {func(string) layers.Options { return layers.Options{InsecureRegistries: []string{bare}} }, ""},
		"insecure other": {func(string) layers.Options { return layers.Options{InsecureRegistries: []string{bare + ":1"}} }, "unknown authority"},
		"--ca-cert": {func(home string) layers.Options {
			write(t, home+"/ca.pem", ca)
			return layers.Options{CAFiles: []string{home + "/ca.pem"}}
		}, ""},
		"--ca-cert of nothing": {func(home string) layers.Options {
			write(t, home+"/ca.pem", "no certificate")
			return layers.Options{CAFiles: []string{home + "/ca.pem"}}
		}, "no certificate in "},
		"--ca-cert that is not there": {func(home string) layers.Options { return layers.Options{CAFiles: []string{home + "/nope"}} }, "reading CA certificates: "},
		"docker's certs.d": {func(home string) layers.Options {
			write(t, home+"/.config/docker/certs.d/"+host+"/ca.crt", ca)
			return layers.Options{}
		}, ""},
		"containers' certs.d": {func(home string) layers.Options {
			write(t, home+"/.config/containers/certs.d/"+host+"/any.crt", ca)
			return layers.Options{}
		}, ""},
		"certs.d of another": {func(home string) layers.Options {
			write(t, home+"/.config/containers/certs.d/"+bare+":1/any.crt", ca)
			return layers.Options{}
		}, "unknown authority"},
		"registries.conf": {func(home string) layers.Options {
			write(t, home+"/registries.conf", "[[registry]]\nlocation = \""+host+"\"\ninsecure = true\n")
			return layers.Options{}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			opt := c.prepare(noSettings(t))
			_, err := readRegistry(t, host+"/team/app:1", opt)
			if c.want == "" {
				check(t, err)
				return
			}
			wantError(t, err, c.want)
		})
	}
}

// TestRedirectOutOfTLS: a registry behind TLS cannot send us to plain http.
func TestRedirectOutOfTLS(t *testing.T) {
	noSettings(t)
	f := serveFaulty(t, small(), nil)
	s := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isBlob(r) {
			http.Redirect(w, r, "http://"+f.host+r.URL.Path, http.StatusFound)
			return
		}
		f.store.ServeHTTP(w, r)
	}), nil)
	host := strings.TrimPrefix(s.URL, "https://")
	_, err := readRegistry(t, host+"/team/app:1", layers.Options{InsecureRegistries: []string{host}})
	wantError(t, err, "redirected from https to http")
}

// TestClientCertificate: a registry that wants to see ours.
func TestClientCertificate(t *testing.T) {
	home := noSettings(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "us"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(t, err)
	ours, err := x509.ParseCertificate(raw)
	check(t, err)
	secretKey, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(ours)
	f := serveFaulty(t, small(), nil)
	s := serveTLS(t, f.store, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	host := strings.TrimPrefix(s.URL, "https://")
	dir := filepath.Join(home, ".config/containers/certs.d", host)
	write(t, dir+"/ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	_, err = readRegistry(t, host+"/team/app:1", layers.Options{})
	wantError(t, err, "certificate required")
	write(t, dir+"/us.cert", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	write(t, dir+"/us.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secretKey})))
	_, err = readRegistry(t, host+"/team/app:1", layers.Options{})
	check(t, err)
	check(t, os.Remove(dir+"/us.key"))
	_, err = readRegistry(t, host+"/team/app:1", layers.Options{})
	wantError(t, err, "reading the client certificate ")
}
