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
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// spoil is a fault that no combination of program and base has by itself, or its harmless sister.
type spoil struct {
	name   string
	change func(c *layers.Config, app []layers.File) []layers.File
}

// spoilings are the cells with a fault of their own: on which bases, with which program.
var spoilings = []struct {
	spoil
	variant string
	needs   []string
	bases   []string // nil for all
	users   []string // nil for all
}{
	{spoil{"entrypoint of a typing error", func(c *layers.Config, app []layers.File) []layers.File {
		c.Entrypoint = []string{"/ap"}
		return app
	}}, "static", []string{"plain"}, nil, nil},
	{spoil{"not executable", mode(0o644)}, "static", []string{"plain"}, nil, nil},
	{spoil{"executable for root alone", mode(0o700)}, "static", []string{"plain"}, nil, nil},
	{spoil{"another processor", as}, "arm64", []string{"plain"}, nil, []string{"0"}},
	{spoil{"GOMEMLIMIT=64Mi", env("GOMEMLIMIT=64Mi")}, "static", []string{"plain"}, nil, []string{"0"}},
	{spoil{"GOMEMLIMIT=64MiB", env("GOMEMLIMIT=64MiB")}, "static", []string{"plain"}, nil, []string{"0"}},
	{spoil{"GOMEMLIMIT=64Mi", env("GOMEMLIMIT=64Mi")}, "glibc", []string{"plain"}, nil, []string{"0"}},
	{spoil{"needs cgo", as}, "sqlite-stub", []string{"plain"}, nil, []string{"0"}},
	{spoil{"a shell that waits", shellForm("/app; exit $?")}, "static", []string{"signal", "plain"}, nil, nil},
	{spoil{"a shell that becomes it", shellForm("exec /app")}, "static", []string{"signal", "plain"}, nil, nil},
	{spoil{"STOPSIGNAL SIGWINCH", stopsignal("SIGWINCH")}, "static", []string{"signal", "unhandled"}, nil, []string{"0"}},
	{spoil{"STOPSIGNAL SIGINT", stopsignal("SIGINT")}, "static", []string{"signal"}, nil, []string{"0"}},
	{spoil{"HEALTHCHECK /bin/true", health("CMD", "/bin/true")}, "static", []string{"signal"}, nil, nil},
	{spoil{"HEALTHCHECK by a shell", health("CMD-SHELL", "exit 0")}, "static", []string{"signal"}, nil, nil},
	{spoil{"HEALTHCHECK curl", health("CMD", "curl", "-f", "http://127.0.0.1:8080/")}, "static", []string{"signal"}, nil, []string{"0"}},
	{spoil{"expired roots", roots(0o644, time.Now().AddDate(0, -1, 0))}, "static", []string{"tls"}, nil, nil},
	{spoil{"roots for root alone", roots(0o600, time.Now().AddDate(1, 0, 0))}, "static", []string{"tls"}, nil, nil},
	{spoil{"TMPDIR of nowhere", env("TMPDIR=/nowhere")}, "static", []string{"temp"}, nil, nil},
	{spoil{"TMPDIR that is there", func(c *layers.Config, app []layers.File) []layers.File {
		c.Env = append(c.Env, "TMPDIR=/work")
		return append(app, layers.File{Path: "work/", Mode: fs.ModeDir | 0o777})
	}}, "static", []string{"temp"}, nil, nil},
	{spoil{"TZ of nowhere", env("TZ=Mars/Olympus")}, "static", []string{"plain"}, nil, []string{"0"}},
	{spoil{"USER and HOME are set", env("USER=service", "HOME=/")}, "static", []string{"user"}, nil, nil},
	{spoil{"hosts: files myhostname dns", nsswitch("hosts: files myhostname dns\n")}, "glibc", []string{"resolver"}, nil, []string{"0"}},
	{spoil{"hosts: files myhostname dns", nsswitch("hosts: files myhostname dns\n")}, "static", []string{"resolver"}, nil, []string{"0"}},
}

// as changes nothing: the variant is the fault.
func as(_ *layers.Config, app []layers.File) []layers.File { return app }

func mode(m fs.FileMode) func(*layers.Config, []layers.File) []layers.File {
	return func(_ *layers.Config, app []layers.File) []layers.File {
		app[0].Mode = m
		return app
	}
}

func env(values ...string) func(*layers.Config, []layers.File) []layers.File {
	return func(c *layers.Config, app []layers.File) []layers.File {
		c.Env = append(c.Env, values...)
		return app
	}
}

func shellForm(script string) func(*layers.Config, []layers.File) []layers.File {
	return func(c *layers.Config, app []layers.File) []layers.File {
		c.Entrypoint = []string{"/bin/sh", "-c", script}
		return app
	}
}

func stopsignal(name string) func(*layers.Config, []layers.File) []layers.File {
	return func(c *layers.Config, app []layers.File) []layers.File {
		c.StopSignal = name
		return app
	}
}

func health(test ...string) func(*layers.Config, []layers.File) []layers.File {
	return func(c *layers.Config, app []layers.File) []layers.File {
		c.Healthcheck = test
		return app
	}
}

func nsswitch(text string) func(*layers.Config, []layers.File) []layers.File {
	return func(_ *layers.Config, app []layers.File) []layers.File {
		return append(app, layers.File{Path: "etc/nsswitch.conf", Data: []byte(text)})
	}
}

// roots puts one root of the given end in the place of all others.
func roots(mode fs.FileMode, until time.Time) func(*layers.Config, []layers.File) []layers.File {
	return func(c *layers.Config, app []layers.File) []layers.File {
		for i, e := range c.Env {
			if len(e) > 13 && e[:13] == "SSL_CERT_FILE" {
				c.Env = append(c.Env[:i], c.Env[i+1:]...)
				break
			}
		}
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
		return append(app, layers.File{Path: "etc/ssl/certs/.wh..wh..opq"}, layers.File{Path: "etc/ssl/.wh.cert.pem"}, layers.File{Path: "etc/ssl/certs/ca-certificates.crt", Mode: mode, Data: text})
	}
}
