package matrix

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// newPeer starts a TLS server on loopback that says hello in JSON.
func newPeer(t *testing.T) *httptest.Server {
	t.Helper()
	peer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, `{"hello": "hello"}`)
	}))
	peer.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	peer.EnableHTTP2 = true
	peer.StartTLS()
	t.Cleanup(peer.Close)
	return peer
}

// lab is a root directory with one program of a Debian package, and all that programs commonly find in a root.
type lab struct {
	t      *testing.T
	root   string
	binary *binary.Binary
	peer   *httptest.Server
}

// others are packages with libraries that a program of a package takes, beside those that this machine has.
var others = map[string]string{"hugo": "libsass1"}

func newLab(t *testing.T, packs, pack, file string, peer *httptest.Server) *lab {
	t.Helper()
	program := filepath.Join(unpack(t, packs, pack), file)
	l := &lab{t: t, root: t.TempDir(), binary: read(t, program), peer: peer}
	l.copyProgram(program, pack, packs)
	for _, dir := range []string{"tmp", "var/tmp", "home", "data", "dev"} {
		l.must(os.MkdirAll(filepath.Join(l.root, dir), 0o777))
	}
	l.must(syscall.Mknod(filepath.Join(l.root, "dev/null"), syscall.S_IFCHR|0o666, 1<<8|3)) // null(4)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: peer.Certificate().Raw})
	l.write("etc/ssl/certs/ca-certificates.crt", certificate)
	l.write("etc/passwd", []byte("root:x:0:0:root:/home:/bin/sh\n"))
	l.write("etc/group", []byte("root:x:0:\n"))
	l.write("etc/hosts", []byte("127.0.0.1 localhost\n"))
	zone, err := os.ReadFile("/usr/share/zoneinfo/" + tokyo)
	if err != nil {
		t.Skipf("this machine has no zones: %v", err)
	}
	l.write("usr/share/zoneinfo/"+tokyo, zone)
	return l
}

// loaded is a line of ldd(1): a library and where it is, or the interpreter.
var loaded = regexp.MustCompile(`(?m)^\t(?:(\S+) => )?(/\S+) \(0x`)

// copyProgram copies a program with its loader and libraries.
func (l *lab) copyProgram(program, pack, packs string) {
	l.t.Helper()
	l.copy(program, "app")
	loader := l.binary.ELF.Interpreter
	if loader == "" {
		return
	}
	l.copy(loader, loader)
	if len(l.binary.ELF.Needed) == 0 {
		return
	}
	c := exec.Command("ldd", program)
	if other := others[pack]; other != "" {
		c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(unpack(l.t, packs, other), "usr/lib/x86_64-linux-gnu"))
	}
	out, err := c.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("not found")) {
		l.t.Skipf("this machine lacks libraries: %v: %s", err, out)
	}
	for _, m := range loaded.FindAllSubmatch(out, -1) {
		if len(m[1]) > 0 {
			l.copy(string(m[2]), filepath.Join("lib/x86_64-linux-gnu", string(m[1])))
		}
	}
}

func (l *lab) copy(from, to string) {
	l.t.Helper()
	data, err := os.ReadFile(from)
	l.must(err)
	l.write(to, data)
}

// write writes a file of the root that may be executed, while nothing forks: a child that has it open for writing would
// make it "text file busy".
func (l *lab) write(name string, data []byte) {
	l.t.Helper()
	file := filepath.Join(l.root, name)
	l.must(os.MkdirAll(filepath.Dir(file), 0o755))
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l.must(os.WriteFile(file, data, 0o755))
}

func (l *lab) remove(name string) {
	l.t.Helper()
	l.must(os.RemoveAll(filepath.Join(l.root, name)))
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// clock is when a run was.
type clock time.Time

// fill puts the hour of a run into a text.
func (c clock) fill(text string) string {
	at, zone := time.Time(c), time.FixedZone("", 9*60*60)
	const form = "2006/01/02 15:"
	return strings.NewReplacer("{utc}", at.UTC().Format(form), "{tokyo}", at.In(zone).Format(form)).Replace(text)
}

// run runs the program in the root with an empty /data, and returns what it printed and when.
func (l *lab) run(d deprived) (string, clock) {
	l.t.Helper()
	for name, text := range d.files {
		l.write(name, []byte(text))
	}
	l.remove("data")
	l.must(os.Mkdir(filepath.Join(l.root, "data"), 0o777))
	if d.first != "" {
		l.start(d, d.first)
	}
	began := time.Now()
	return l.start(d, d.args), clock(began)
}

// start waits for the program, for 4 seconds if it stays and a minute if it does not.
func (l *lab) start(d deprived, args string) string {
	limit := time.Minute
	if d.stays {
		limit = 4 * time.Second
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), limit)
	defer cancel()
	fill := strings.NewReplacer("{url}", l.peer.URL, "{host}", l.peer.Listener.Addr().String())
	c := exec.CommandContext(ctx, "/app", words(fill.Replace(args))...)
	c.Env = append(words(fill.Replace(d.env)), "HOME=/home", "PATH=/bin")
	c.Dir, c.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: l.root}
	c.Stdin = strings.NewReader(d.input)
	out, err := c.CombinedOutput()
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	return string(out)
}
