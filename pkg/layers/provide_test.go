package layers_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// certificate makes a root named cn and returns it as PEM.
func certificate(t testing.TB, cn string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cn}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// zoneZip is the zoneinfo.zip of the Go tree.
func zoneZip(t testing.TB) []byte {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib/time/zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// zone is one file of the zip.
func zone(t testing.TB, name string) string {
	t.Helper()
	data := zoneZip(t)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := fs.ReadFile(z, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// world is a root file system, an environment and a user for which provisions are predicted and, in
// TestProvisionsAsGo, observed.
type world struct {
	name  string
	files []layers.File
	env   []string
	user  string
	built string // GOROOT of the program: "" if trimmed
	// What is predicted: "roots ERR; zones found; local path silent; temp".
	want string
}

// worlds are the cases. a, b and c are roots, shanghai a zone.
func worlds(t testing.TB) []world {
	a, b, c := certificate(t, "a"), certificate(t, "b"), certificate(t, "c")
	shanghai, paris := zone(t, "Asia/Shanghai"), zone(t, "Europe/Paris")
	tmp := layers.File{Path: "tmp/", Mode: fs.ModeDir | fs.ModeSticky | 0o777}
	const bundle = "etc/ssl/certs/ca-certificates.crt"
	private := func(path, data string) layers.File { return layers.File{Path: path, Mode: 0o600, Data: []byte(data)} }
	zip := layers.File{Path: "usr/local/go/lib/time/zoneinfo.zip", Data: zoneZip(t)}
	return []world{
		{"empty", nil, nil, "", "", "0 ; ; - false; ENOENT /tmp"},
		{"bundle is counted again by its directory", []layers.File{file(bundle, a+b), tmp}, nil, "65532", "", "2 ; ; - false; ok"},
		{"first readable file only", []layers.File{file("etc/pki/tls/certs/ca-bundle.crt", a), file("etc/ssl/cert.pem", b+c)}, nil, "", "", "1 ; ; - false; ENOENT /tmp"},
		{"a file without roots ends the search too", []layers.File{file("etc/ssl/ca-bundle.pem", "hello"), file("etc/ssl/cert.pem", b)}, nil, "", "", "0 ; ; - false; ENOENT /tmp"},
		{"alpine's file", []layers.File{file("etc/ssl/cert.pem", a+b+c)}, nil, "", "", "3 ; ; - false; ENOENT /tmp"},
		{"files of the directories are always read", []layers.File{file("etc/ssl/cert.pem", a), file("etc/ssl/certs/x", b), file("etc/pki/tls/certs/y.crt", c)}, nil, "", "", "3 ; ; - false; ENOENT /tmp"},
		{"links inside the directory are passed over", []layers.File{file("usr/share/a.crt", a), link("etc/ssl/certs/a.pem", "/usr/share/a.crt"),
			link("etc/ssl/certs/b.pem", "a.pem"), link("etc/ssl/certs/c.pem", "./d"), file("etc/ssl/certs/sub/d", b)}, nil, "", "", "1 ; ; - false; ENOENT /tmp"},
		{"what is no certificate is passed over", []layers.File{file("etc/ssl/certs/x", strings.ReplaceAll(a, "CERTIFICATE", "TRUSTED CERTIFICATE")+
			"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"+strings.Replace(b, "-----\n", "-----\nA: b\n\n", 1)+c)}, nil, "", "", "1 ; ; - false; ENOENT /tmp"},
		{"unreadable bundle", []layers.File{private(bundle, a)}, nil, "65532", "", "0 open /etc/ssl/certs/ca-certificates.crt: permission denied; ; - false; ENOENT /tmp"},
		{"unreadable bundle, root", []layers.File{{Path: bundle, Mode: 0o600, UID: 5, Data: []byte(a)}}, nil, "", "", "1 ; ; - false; ENOENT /tmp"},
		{"unreadable bundle, another readable", []layers.File{private(bundle, a), file("etc/ssl/cert.pem", b)}, nil, "65532", "", "1 ; ; - false; ENOENT /tmp"},
		{"unreadable file in the directory only", []layers.File{private("etc/ssl/certs/x", a)}, nil, "65532", "", "0 ; ; - false; ENOENT /tmp"},
		{"closed directory", []layers.File{{Path: "etc/ssl/", Mode: fs.ModeDir | 0o700}, file(bundle, a)}, nil, "65532", "",
			"0 open /etc/ssl/certs/ca-certificates.crt: permission denied; ; - false; ENOENT /tmp"},
		{"listable directory without search", []layers.File{{Path: "etc/ssl/certs/", Mode: fs.ModeDir | 0o744}, file(bundle, a), link("etc/ssl/certs/x", "y")}, nil, "65532", "",
			"0 open /etc/ssl/certs/ca-certificates.crt: permission denied; ; - false; ENOENT /tmp"},
		{"a directory in the bundle's place", []layers.File{{Path: bundle + "/"}}, nil, "", "", "0 read /etc/ssl/certs/ca-certificates.crt: is a directory; ; - false; ENOENT /tmp"},
		{"a file in a directory's place", []layers.File{file("etc/ssl", "x")}, nil, "", "", "0 open /etc/ssl/certs/ca-certificates.crt: not a directory; ; - false; ENOENT /tmp"},
		{"a loop in the bundle's place", []layers.File{link(bundle, "ca-certificates.crt")}, nil, "", "",
			"0 open /etc/ssl/certs/ca-certificates.crt: too many levels of symbolic links; ; - false; ENOENT /tmp"},
		{"SSL_CERT_FILE replaces the files, not the directories", []layers.File{file("etc/ssl/cert.pem", a), file("etc/ssl/certs/x", b), file("my.pem", c)},
			[]string{"SSL_CERT_FILE=/my.pem"}, "", "", "2 ; ; - false; ENOENT /tmp"},
		{"SSL_CERT_FILE without a file", []layers.File{file("etc/ssl/cert.pem", a), file("etc/ssl/certs/x", b)}, []string{"SSL_CERT_FILE=/nope"}, "", "", "1 ; ; - false; ENOENT /tmp"},
		{"SSL_CERT_FILE empty", []layers.File{file("etc/ssl/cert.pem", a)}, []string{"SSL_CERT_FILE="}, "", "", "1 ; ; - false; ENOENT /tmp"},
		{"SSL_CERT_DIR replaces the directories, not the files", []layers.File{file("etc/ssl/certs/x", a), file("etc/ssl/cert.pem", b), file("d1/x", c), file("d2/x", a)},
			[]string{"SSL_CERT_DIR=/d1::/nope:/d2"}, "", "", "3 ; ; - false; ENOENT /tmp"},
		{"SSL_CERT_DIR without a directory", []layers.File{file("etc/ssl/certs/x", a)}, []string{"SSL_CERT_DIR=/nope"}, "", "", "0 ; ; - false; ENOENT /tmp"},
		{"zones of the platform", []layers.File{file("usr/share/zoneinfo/Asia/Shanghai", shanghai), file("etc/zoneinfo/Europe/Paris", paris)}, nil, "", "",
			"0 ; Asia/Shanghai Europe/Paris; - false; ENOENT /tmp"},
		{"a zone that does not parse", []layers.File{file("usr/share/zoneinfo/Asia/Shanghai", "TZif2"), file("usr/share/lib/zoneinfo/Asia/Shanghai", shanghai)},
			[]string{"TZ=Asia/Shanghai"}, "", "", "0 ; Asia/Shanghai; /usr/share/lib/zoneinfo/Asia/Shanghai false; ENOENT /tmp"},
		{"ZONEINFO as a directory, not for Local", []layers.File{file("zones/Asia/Shanghai", shanghai)}, []string{"ZONEINFO=/zones", "TZ=Asia/Shanghai"}, "", "",
			"0 ; Asia/Shanghai; - true; ENOENT /tmp"},
		{"ZONEINFO as a zip", []layers.File{{Path: "z.zip", Data: zip.Data}}, []string{"ZONEINFO=/z.zip"}, "", "", "0 ; Asia/Shanghai Europe/Paris; - false; ENOENT /tmp"},
		{"ZONEINFO as a broken zip", []layers.File{file("z.zip", "PK")}, []string{"ZONEINFO=/z.zip"}, "", "", "0 ; ; - false; ENOENT /tmp"},
		{"zip of the Go tree, trimmed program", []layers.File{zip}, []string{"TZ=Asia/Shanghai"}, "", "", "0 ; ; - true; ENOENT /tmp"},
		{"zip of the Go tree by GOROOT", []layers.File{zip}, []string{"GOROOT=/usr/local/go", "TZ=Asia/Shanghai"}, "", "",
			"0 ; Asia/Shanghai Europe/Paris; /usr/local/go/lib/time/zoneinfo.zip false; ENOENT /tmp"},
		{"zip of the Go tree the program was built from", []layers.File{zip}, []string{"TZ=:Asia/Shanghai"}, "", "/usr/local/go",
			"0 ; Asia/Shanghai Europe/Paris; /usr/local/go/lib/time/zoneinfo.zip false; ENOENT /tmp"},
		{"localtime as a file", []layers.File{file("etc/localtime", shanghai)}, nil, "", "", "0 ; ; /etc/localtime false; ENOENT /tmp"},
		{"localtime as a dangling link", []layers.File{link("etc/localtime", "/usr/share/zoneinfo/Asia/Shanghai")}, nil, "", "", "0 ; ; - true; ENOENT /tmp"},
		{"localtime as a link", []layers.File{link("etc/localtime", "/usr/share/zoneinfo/Asia/Shanghai"), file("usr/share/zoneinfo/Asia/Shanghai", shanghai)}, nil, "", "",
			"0 ; Asia/Shanghai; /etc/localtime false; ENOENT /tmp"},
		{"TZ beats localtime", []layers.File{file("etc/localtime", shanghai), file("usr/share/zoneinfo/Europe/Paris", paris)}, []string{"TZ=Europe/Paris"}, "", "",
			"0 ; Europe/Paris; /usr/share/zoneinfo/Europe/Paris false; ENOENT /tmp"},
		{"TZ without zones", []layers.File{file("etc/localtime", shanghai)}, []string{"TZ=Asia/Shanghai"}, "", "", "0 ; ; - true; ENOENT /tmp"},
		{"TZ as POSIX has it", []layers.File{file("usr/share/zoneinfo/Asia/Shanghai", shanghai)}, []string{"TZ=CST-8"}, "", "", "0 ; Asia/Shanghai; - true; ENOENT /tmp"},
		{"TZ empty is UTC", []layers.File{file("etc/localtime", shanghai)}, []string{"TZ="}, "", "", "0 ; ; - false; ENOENT /tmp"},
		{"TZ as a path", []layers.File{file("zone", shanghai)}, []string{"TZ=:/zone"}, "", "", "0 ; ; /zone false; ENOENT /tmp"},
		{"TZ as a path that is not there", nil, []string{"TZ=/zone"}, "", "", "0 ; ; - true; ENOENT /tmp"},
		{"tmp for everybody", []layers.File{tmp}, nil, "65532", "", "0 ; ; - false; ok"},
		{"tmp for root only", []layers.File{{Path: "tmp/", Mode: fs.ModeDir | 0o755}}, nil, "65532", "", "0 ; ; - false; EACCES /tmp"},
		{"tmp without search", []layers.File{{Path: "tmp/", Mode: fs.ModeDir | 0o666}}, nil, "65532", "", "0 ; ; - false; EACCES /tmp"},
		{"tmp as a file", []layers.File{file("tmp", "")}, nil, "", "", "0 ; ; - false; ENOTDIR /tmp"},
		{"tmp as a link", []layers.File{link("tmp", "var/tmp"), {Path: "var/tmp/", Mode: fs.ModeDir | 0o777}}, nil, "65532", "", "0 ; ; - false; ok"},
		{"tmp as a link to itself", []layers.File{link("tmp", "tmp")}, nil, "", "", "0 ; ; - false; ELOOP /tmp"},
		{"TMPDIR", []layers.File{{Path: "work/", Mode: fs.ModeDir | 0o700, UID: 65532}}, []string{"TMPDIR=/work"}, "65532", "", "0 ; ; - false; ok"},
		{"TMPDIR behind a closed directory", []layers.File{tmp, {Path: "root/", Mode: fs.ModeDir | 0o700}, {Path: "root/t/", Mode: fs.ModeDir | 0o777}}, []string{"TMPDIR=/root/t"}, "65532", "",
			"0 ; ; - false; EACCES /root"},
		{"TMPDIR empty", []layers.File{tmp}, []string{"TMPDIR="}, "65532", "", "0 ; ; - false; ok"},
	}
}

var zones = []string{"Asia/Shanghai", "Europe/Paris", "../Asia/Shanghai", "/Asia/Shanghai", "Nowhere/City"}

// predictions puts the provisions of a world into one line.
func predictions(t *testing.T, w world) (line string, roots layers.CARoots, local layers.LocalTime, temp layers.TempDir) {
	t.Helper()
	f := tree(t, w.files)
	id := f.Identity(w.user)
	roots, local, temp = f.CARoots(w.env, id), f.LocalTimeOf(w.env, w.built), f.TempDir(w.env, id)
	var found []string
	for _, name := range zones {
		if f.Zone(name, w.env, w.built).Path != "" {
			found = append(found, name)
		}
	}
	at := "ok"
	if !temp.Access.OK {
		at = temp.Access.Errno + " " + temp.Access.At
	}
	path := local.Path
	if path == "" {
		path = "-"
	}
	return fmt.Sprintf("%d %s; %s; %s %v; %s", len(roots.Roots), roots.Err, strings.Join(found, " "), path, local.Silent, at), roots, local, temp
}

func TestProvisions(t *testing.T) {
	for _, w := range worlds(t) {
		t.Run(w.name, func(t *testing.T) {
			if got, _, _, _ := predictions(t, w); got != w.want {
				t.Errorf("got  %s\nwant %s", got, w.want)
			}
		})
	}
}

// TestProvisionsAsGo runs a Go program in every world and compares.
func TestProvisionsAsGo(t *testing.T) {
	needRoot(t)
	programs := map[string][]byte{"": probe(t, "-trimpath"), "/usr/local/go": nil}
	if root, err := exec.Command("go", "env", "GOROOT").Output(); err == nil && strings.TrimSpace(string(root)) == "/usr/local/go" {
		programs["/usr/local/go"] = probe(t)
	}
	for _, w := range worlds(t) {
		t.Run(w.name, func(t *testing.T) {
			if programs[w.built] == nil {
				t.Skip("Go is not installed in " + w.built)
			}
			_, roots, local, temp := predictions(t, w)
			id := tree(t, w.files).Identity(w.user)
			saw := observe(t, unpack(t, append([]layers.File{{Path: "probe", Mode: 0o755, Data: programs[w.built]}}, w.files...)), w.env, id)
			if saw.Roots != len(roots.Roots) || saw.Err != roots.Err {
				t.Errorf("roots: predicted %d %q, saw %d %q", len(roots.Roots), roots.Err, saw.Roots, saw.Err)
			}
			for _, name := range zones {
				if p := tree(t, w.files).Zone(name, w.env, w.built); (p.Path != "") != saw.Zones[name] {
					t.Errorf("zone %s: predicted %q, saw %v", name, p.Path, saw.Zones[name])
				}
			}
			if wantUTC := local.Path == ""; wantUTC != (saw.Offset == 0) {
				t.Errorf("local time: predicted %q, saw %s offset %d", local.Path, saw.Local, saw.Offset)
			}
			if saw.Temp != temp.Access.Errno {
				t.Errorf("temporary file: predicted %+v, saw %q", temp, saw.Temp)
			}
		})
	}
}

// observation is what testdata/probe prints.
type observation struct {
	Roots  int
	Err    string
	Zones  map[string]bool
	Local  string
	Offset int
	Temp   string
}

// observe runs /probe in a root file system.
func observe(t *testing.T, root string, env []string, id layers.Identity) (saw observation) {
	t.Helper()
	cmd := exec.Command("/probe", append([]string{"facts"}, zones...)...)
	cmd.Env, cmd.Dir = append([]string{"PATH=/"}, env...), "/"
	groups := []uint32{}
	for _, g := range id.Groups {
		groups = append(groups, uint32(g))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uint32(id.UID), Gid: uint32(id.GID), Groups: groups}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return saw
}
