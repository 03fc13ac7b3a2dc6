package main

import (
	"bytes"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/imgaudit/imgaudit/internal/elftest"
	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// warmTest is a registry that notes what is fetched, with an image in it, and a cache.
type warmTest struct {
	t     *testing.T
	host  string
	env   map[string]string
	image imagetest.Image
	top   string // digest of the uppermost layer
	verb  string // check or inspect

	mu    sync.Mutex
	asked []string
}

// newWarmTest serves an image with a Go program, a C program that is linked in it, a shell and settings.
func newWarmTest(t *testing.T) *warmTest {
	w := &warmTest{t: t, verb: "check", env: map[string]string{"XDG_CACHE_HOME": t.TempDir()}}
	h := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, what, ok := strings.Cut(r.URL.Path, "/app/"); ok && r.Method == http.MethodGet {
			w.mu.Lock()
			w.asked = append(w.asked, what)
			w.mu.Unlock()
		}
		h.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	w.host = strings.TrimPrefix(s.URL, "http://")
	elf := func(s elftest.Spec) []byte {
		data, err := elftest.Build(s)
		check(t, err)
		return data
	}
	server := elf(elftest.Spec{Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"},
		Undefined: []elftest.Symbol{{Name: "puts", Version: "GLIBC_2.34", Library: "libc.so.6"}, {Name: "nope", Version: "GLIBC_2.99", Library: "libc.so.6"}}})
	libc := elf(elftest.Spec{SOName: "libc.so.6", VersionDefs: []string{"GLIBC_2.34"}, Defined: []elftest.Symbol{{Name: "puts", Version: "GLIBC_2.34"}}})
	loader := elf(elftest.Spec{SOName: "ld-linux-x86-64.so.2", VersionDefs: []string{"GLIBC_2.34", "GLIBC_PRIVATE"}, Strings: []string{"/lib64/", "/usr/lib64/"}})
	shell := append(elf(elftest.Spec{Strings: []string{"BusyBox v1.36"}}), make([]byte, 200_000)...)
	rates := goBuild(t, filepath.Join(projectRoot, "testdata", "demo"), filepath.Join(t.TempDir(), "rates"))
	w.image = demoImage(rates)
	w.image.Layers = [][]layers.File{
		{
			{Path: "etc/passwd", Data: []byte("root:x:0:0::/root:/bin/sh\n")}, {Path: "bin/sh", Mode: 0o755, Data: shell},
			{Path: "lib64/ld-linux-x86-64.so.2", Mode: 0o755, Data: loader}, {Path: "lib64/libc.so.6", Mode: 0o755, Data: libc},
			{Path: "usr/bin/server", Mode: 0o755, Data: append(server, make([]byte, 300_000)...)},
		},
		{{Path: "rates", Mode: 0o755, Data: rates}},
	}
	w.image.History = append([]layers.Step{{CreatedBy: "/bin/sh -c #(nop) ADD file:rootfs in /"}}, w.image.History...)
	w.push()
	return w
}

func (w *warmTest) push() {
	built := w.image.Build(w.t)
	imagetest.Push(w.t, w.host+"/app:v1", built)
	all, err := built.Layers()
	check(w.t, err)
	digest, err := all[len(all)-1].Digest()
	check(w.t, err)
	w.top = digest.String()
}

// run runs `imgaudit check` or `inspect` and returns the report, what it wrote to standard error, and what was fetched.
func (w *warmTest) run(args ...string) (report, messages string, asked []string) {
	w.t.Helper()
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
	var out, err bytes.Buffer
	args = append([]string{w.verb, w.host + "/app:v1", "-o", "json"}, args...)
	code := run(args, strings.NewReader(""), &out, &err, func(k string) (string, bool) { v, ok := w.env[k]; return v, ok })
	if code != exitFail && code != exitPass {
		w.t.Fatalf("%v: exit code %d: %s", args, code, err.String())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return out.String(), err.String(), w.asked
}

// cacheFiles lists the files of the cache.
func (w *warmTest) cacheFiles() (list []string) {
	check(w.t, filepath.WalkDir(w.env["XDG_CACHE_HOME"], func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			list = append(list, name)
		}
		return err
	}))
	return list
}

// TestWarmAudit audits an image again and again: cold, warm, with a new layer, with a damaged cache, without one. The
// report is the same to the byte, and what is fetched is what must be.
func TestWarmAudit(t *testing.T) {
	w := newWarmTest(t)
	t.Run("Go program behind a shell", func(t *testing.T) { w.again(t, "check", "/rates") })
	w.image.Config.Entrypoint = []string{"/usr/bin/server"}
	w.push()
	t.Run("C program with libraries", func(t *testing.T) { w.again(t, "inspect", `"missingVersions"`) })
}

// again audits the image in all ways; its report has some words.
func (w *warmTest) again(t *testing.T, verb, words string) {
	w.t, w.verb = t, verb
	w.env = map[string]string{"XDG_CACHE_HOME": t.TempDir()}
	want, messages, _ := w.run("--no-cache")
	if len(w.cacheFiles()) != 0 || messages != "" {
		t.Errorf("--no-cache left %v and said %q", w.cacheFiles(), messages)
	}
	if !strings.Contains(want, words) {
		t.Fatalf("no %q in the report:\n%s", words, want)
	}
	cold, _, _ := w.run()
	warm, messages, asked := w.run()
	if cold != want || warm != want {
		t.Errorf("without a cache\n%s\ncold\n%s\nwarm\n%s", want, cold, warm)
	}
	if len(asked) != 1 || messages != "" {
		t.Errorf("warm: fetched %v, said %q", asked, messages)
	}

	w.image.Layers[1] = append(w.image.Layers[1], layers.File{Path: "new", Data: []byte("new")})
	w.push()
	want, _, _ = w.run("--no-cache")
	got, _, asked := w.run()
	if got != want {
		t.Errorf("with a new layer: got\n%s\nwant\n%s", got, want)
	}
	for i, what := range asked {
		if i >= 2 && what != "blobs/"+w.top {
			t.Errorf("with a new layer: fetched %v", asked)
		}
	}

	for _, name := range w.cacheFiles() {
		check(t, os.Truncate(name, 40))
	}
	if got, _, asked = w.run(); got != want || len(asked) <= 2 {
		t.Errorf("with a damaged cache: fetched %v, got\n%s\nwant\n%s", asked, got, want)
	}
	if got, _, asked = w.run(); got != want || len(asked) != 1 {
		t.Errorf("with a mended cache: fetched %v, got\n%s\nwant\n%s", asked, got, want)
	}
}

// TestNoCacheDirectory has the cache where none can be: the audit goes on, and says so with -v alone.
func TestNoCacheDirectory(t *testing.T) {
	w := newWarmTest(t)
	want, _, _ := w.run("--no-cache")
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	blocked := t.TempDir()
	for _, kind := range []string{"layers", "blobs", "contents", "pages", "programs"} {
		check(t, os.WriteFile(filepath.Join(blocked, kind), nil, 0o600))
	}
	check(t, os.Chmod(blocked, 0o700))
	for name, test := range map[string]struct {
		env   map[string]string
		args  []string
		words string
	}{
		"no home":            {map[string]string{}, nil, "neither XDG_CACHE_HOME nor HOME is set"},
		"a home that is not": {map[string]string{"HOME": "/nonexistent"}, nil, "HOME /nonexistent is not a directory"},
		"a file":             {map[string]string{"XDG_CACHE_HOME": file}, nil, "opening the cache"},
		"a file by flag":     {map[string]string{}, []string{"--cache-dir", file}, "opening the cache"},
		"not writable":       {map[string]string{"IMGAUDIT_CACHE_DIR": blocked}, nil, "writing to the cache"},
	} {
		w.env = test.env
		got, messages, _ := w.run(test.args...)
		if got != want || messages != "" {
			t.Errorf("%s: said %q, got\n%s", name, messages, got)
		}
		got, messages, _ = w.run(append(test.args, "-v", "--progress", "none")...)
		if got != want || strings.Count(messages, "\n") != 1 || !strings.Contains(messages, test.words) {
			t.Errorf("%s: said with -v %q, want one line with %q", name, messages, test.words)
		}
	}
}
