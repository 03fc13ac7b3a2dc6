package layers_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// faulty is a registry on loopback that holds the image team/app:1, with a handler of the test in front of it.
type faulty struct {
	host  string // of the registry with its faults
	store http.Handler
	mu    sync.Mutex
	seen  []string // "METHOD PATH" of each request
}

// serveFaulty starts a registry behind a handler that may answer by itself or pass on to next.
func serveFaulty(t testing.TB, img imagetest.Image, fault func(w http.ResponseWriter, r *http.Request, next http.Handler)) *faulty {
	t.Helper()
	f := &faulty{store: imagetest.Registry()}
	front := httptest.NewServer(f.store)
	imagetest.Push(t, strings.TrimPrefix(front.URL, "http://")+"/team/app:1", img.Build(t))
	front.Close()
	s := httptest.NewServer(f.handler(fault))
	t.Cleanup(s.Close)
	f.host = strings.TrimPrefix(s.URL, "http://")
	return f
}

func (f *faulty) handler(fault func(w http.ResponseWriter, r *http.Request, next http.Handler)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		if fault == nil {
			f.store.ServeHTTP(w, r)
			return
		}
		fault(w, r, f.store)
	})
}

// count tells how many requests had a part in their path.
func (f *faulty) count(part string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.seen {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}

func isBlob(r *http.Request) bool { return strings.Contains(r.URL.Path, "/blobs/") }

// noSettings makes a test independent of the settings of the machine and its user, and returns the new home.
func noSettings(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	conf := filepath.Join(home, "registries.conf")
	write(t, conf, "")
	for key, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": filepath.Join(home, "run"), "DOCKER_CONFIG": "", "DOCKER_HOST": "", "CONTAINER_HOST": "",
		"REGISTRY_AUTH_FILE": "", "DOCKER_AUTH_CONFIG": "", "CONTAINERS_REGISTRIES_CONF": conf, "DOCKER_CONTEXT": "", "DOCKER_CERT_PATH": "", "DOCKER_TLS_VERIFY": "",
	} {
		t.Setenv(key, value)
	}
	return home
}

// write writes a file and the directories above it.
func write(t testing.TB, file, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(file), 0o755))
	check(t, os.WriteFile(file, []byte(text), 0o644))
}

// readRegistry reads an image with little patience.
func readRegistry(t testing.TB, ref string, opt layers.Options) (*layers.Image, error) {
	t.Helper()
	img, err := layers.Read(context.Background(), layers.Registry, ref, layers.Impatient(opt))
	if err == nil && len(img.Unread) > 0 {
		err = img.Unread[0].Err
	}
	return img, err
}

// wantError holds an error against the words it must have, and those it must not have.
func wantError(t testing.TB, err error, words string, never ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", words)
	}
	if !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got  %v\nwant %s", err, words)
	}
	for _, secret := range never {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v: holds %s", err, secret)
		}
	}
}

// cut answers with the first bytes of what next answers, and breaks the connection.
func cut(w http.ResponseWriter, r *http.Request, next http.Handler, bytes int) {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	for key, values := range rec.Header() {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()[:min(bytes, rec.Body.Len())])
	if rec.Body.Len() > bytes {
		panic(http.ErrAbortHandler)
	}
}

// serveTLS starts a handler behind TLS with a certificate of its own authority.
func serveTLS(t testing.TB, h http.Handler, config *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = config
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// deaf takes connections and says nothing.
func deaf(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	return l.Addr().String()
}
