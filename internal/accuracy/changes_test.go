package accuracy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// made is an image that a spoil changes before it is written: its config, and the files over its base, the program first.
type made struct {
	config *layers.Config
	files  []layers.File
	parts  parts
}

func (m *made) add(files ...layers.File) { m.files = append(m.files, files...) }

// as changes nothing: the program is the fault.
func as(*made) {}

func entrypoint(argv ...string) func(*made) {
	return func(m *made) { m.config.Entrypoint = argv }
}

func mode(perm fs.FileMode) func(*made) {
	return func(m *made) { m.files[0].Mode = perm }
}

func env(values ...string) func(*made) {
	return func(m *made) { m.config.Env = append(m.config.Env, values...) }
}

func shellForm(script string) func(*made) { return entrypoint("/bin/sh", "-c", script) }

func stopsignal(name string) func(*made) {
	return func(m *made) { m.config.StopSignal = name }
}

func health(test ...string) func(*made) {
	return func(m *made) { m.config.Healthcheck = test }
}

func nsswitch(text string) func(*made) {
	return func(m *made) { m.add(layers.File{Path: "etc/nsswitch.conf", Data: []byte(text)}) }
}

// muslAsGlibc puts musl's loader where glibc's is looked for, which lets some programs of glibc run on alpine.
func muslAsGlibc(m *made) {
	m.add(layers.File{Path: "usr/lib64/ld-linux-x86-64.so.2", Link: "/lib/ld-musl-x86_64.so.1"})
}

// roots puts one root of the given end in the place of all others.
func roots(perm fs.FileMode, until time.Time) func(*made) {
	return func(m *made) {
		m.config.Env = slices.DeleteFunc(m.config.Env, func(e string) bool { return strings.HasPrefix(e, "SSL_CERT_FILE=") })
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err) // of the system's random numbers
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "accuracy"}, NotBefore: until.AddDate(-2, 0, 0), NotAfter: until,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			panic(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		m.add(layers.File{Path: "etc/ssl/certs/.wh..wh..opq"}, layers.File{Path: "etc/ssl/.wh.cert.pem"}, layers.File{Path: "etc/ssl/certs/ca-certificates.crt", Mode: perm, Data: text})
	}
}
