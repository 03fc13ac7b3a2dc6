package binary_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// buildArchive builds the main package of a txtar archive, which is a module of its own, stripped and without cgo.
func buildArchive(t *testing.T, archive string, extra map[string]string) *binary.Binary {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		writeFile(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	for name, text := range extra {
		writeFile(t, filepath.Join(dir, name), text)
	}
	out := filepath.Join(dir, "app.out")
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, text)
	}
	return readFile(t, out)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fake are packages of the import paths and function names that the reader knows, and nothing behind them.
const fake = `
-- go.mod --
module app
go 1.26
require (
	github.com/mattn/go-sqlite3 v1.0.0
	go.uber.org/automaxprocs v1.0.0
	github.com/KimMachineGun/automemlimit v1.0.0
)
replace (
	github.com/mattn/go-sqlite3 => ./sqlite3
	go.uber.org/automaxprocs => ./automaxprocs
	github.com/KimMachineGun/automemlimit => ./automemlimit
)
-- sqlite3/go.mod --
module github.com/mattn/go-sqlite3
go 1.26
-- sqlite3/sqlite3.go --
package sqlite3

import (
	"database/sql"
	"database/sql/driver"
	"errors"
)

var errStub = errors.New("this is a stub")

type SQLiteDriver struct{}

func (SQLiteDriver) Open(string) (driver.Conn, error) { return nil, errStub }

func init() { sql.Register("sqlite3", &SQLiteDriver{}) }
-- automaxprocs/go.mod --
module go.uber.org/automaxprocs
go 1.26
-- automaxprocs/automaxprocs.go --
package automaxprocs

import "os"

func init() { println(len(os.Args)) }
-- automemlimit/go.mod --
module github.com/KimMachineGun/automemlimit
go 1.26
-- automemlimit/memlimit/memlimit.go --
package memlimit

import "os"

//go:noinline
func Set() int { return len(os.Args) }
-- main.go --
package main

import (
	"database/sql"
	"os"

	"github.com/KimMachineGun/automemlimit/memlimit"
	_ "github.com/mattn/go-sqlite3"
	_ "go.uber.org/automaxprocs"
)

func main() {
	println(memlimit.Set())
	db, err := sql.Open(DRIVER, ":memory:")
	if err == nil {
		err = db.Ping()
	}
	if err != nil {
		os.Exit(1)
	}
}
`

func TestPackagesThatTell(t *testing.T) {
	for _, test := range []struct {
		driver    string
		certainty binary.Certainty
	}{{`"sqlite3"`, binary.Proven}, {`os.Getenv("APP_DRIVER")`, binary.Likely}, {`"postgres"`, binary.Possible}} {
		b := buildArchive(t, strings.Replace(fake, "DRIVER", test.driver, 1), nil)
		if len(b.Stubs) != 1 || b.Stubs[0].Package != "github.com/mattn/go-sqlite3" || b.Stubs[0].Certainty != test.certainty {
			t.Errorf("sql.Open(%s): stubs %+v, want one, %s", test.driver, b.Stubs, test.certainty)
		}
		var features []string
		for _, f := range b.Features {
			features = append(features, f.Name+" by "+f.By)
		}
		want := []string{
			"automaxprocs by go.uber.org/automaxprocs",
			"automemlimit by github.com/KimMachineGun/automemlimit/memlimit",
		}
		if !slices.Equal(features, want) {
			t.Errorf("features %q, want %q", features, want)
		}
	}
}

// holder has secrets in a constant and in an embedded file, and the patterns of a scanner.
const holder = `
-- go.mod --
module app
go 1.26
-- main.go --
package main

import (
	_ "embed"
	"fmt"
	"os"
	"regexp"
)

//go:embed secrets.txt
var secrets string

var patterns = []*regexp.Regexp{
	regexp.MustCompile("AKIA[0-9A-Z]{16}"), regexp.MustCompile("gh[pousr]_[0-9A-Za-z]{36}"),
	regexp.MustCompile("-----BEGIN (RSA |EC )?PRIVATE KEY-----"), regexp.MustCompile("xoxb-[0-9]{10,13}"),
}

func main() { fmt.Println(len(os.Args), len(secrets), patterns, constant) }
`

func TestSecrets(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	aws, slack := "AK"+"IAZ3QW7MN2PLKJHG5F", "xo"+"xb-1234567890-1234567890123-aB3dE6gH9jK2mN5pQ8sT1vW4"
	random := "q7Zp2XkVw9LmT4RbNc6YhJ3sDfGaU1"
	sum := crc32.ChecksumIEEE([]byte(random))
	check := make([]byte, 6)
	for i := range check {
		check[5-i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[sum%62]
		sum /= 62
	}
	github, wrong := "gh"+"p_"+random+string(check), "gh"+"p_"+random+"000000"
	tests := []struct {
		name, text string
		shapes     []string
	}{
		{"nothing", "hello", nil},
		{"a private key", private, []string{"private key"}},
		{"a private key in JSON", `{"private_key": ` + strconv.Quote(private) + `}`, []string{"private key in JSON"}},
		{"half a private key", private[:len(private)/2], nil},
		{"a certificate's header", strings.ReplaceAll(private, "PRIVATE KEY", "CERTIFICATE"), nil},
		{"an access key's name alone", aws, nil},
		{"an access key", aws + " wJ4lrXUtnFEMI+K7MDENG9bPxRfiCYzq2hT8vQ5s", []string{"AWS access key"}},
		{"the documentation's access key", "AK" + "IAIOSFODNN7EXAMPLE", nil},
		{"a token", github, []string{"GitHub token"}},
		{"a token with a wrong sum", wrong, nil},
		{"a chat token", slack, []string{"Slack token"}},
		{"a chat token of the documentation", "xo" + "xb-1234567890-1234567890123-xxxxxxxxxxxxxxxxxxxxxxxx", nil},
		{"two", private + github, []string{"private key", "GitHub token"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := buildArchive(t, holder, map[string]string{"secrets.txt": test.text, "constant.go": "package main\n\nconst constant = \"hello\"\n"})
			var shapes []string
			for _, s := range b.Secrets {
				shapes = append(shapes, s.Shape)
			}
			if !slices.Equal(shapes, test.shapes) {
				t.Errorf("shapes %q, want %q", shapes, test.shapes)
			}
		})
	}
	t.Run("a constant", func(t *testing.T) {
		b := buildArchive(t, holder, map[string]string{"secrets.txt": "x", "constant.go": "package main\n\nconst constant = " + strconv.Quote(github) + "\n"})
		data, err := os.ReadFile(b.Path)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Secrets) != 1 || !strings.HasPrefix(string(data[b.Secrets[0].Offset:]), github) {
			t.Errorf("secrets %+v, want one at %d", b.Secrets, strings.Index(string(data), github))
		}
	})
}

func TestFIPS(t *testing.T) {
	const source = "-- go.mod --\nmodule app\ngo 1.26\n-- main.go --\n%package main\n\nfunc main() { println(\"hello\") }\n"
	for directive, want := range map[string]bool{"": false, "//go:debug fips140=on\n": true, "//go:debug fips140=off\n": false} {
		b := buildArchive(t, strings.Replace(source, "%", directive, 1), nil)
		if _, got := b.Feature(binary.FeatureFIPS); got != want {
			t.Errorf("%q: %v, want %v; %v", directive, got, want, b.Go.Settings)
		}
	}
}
