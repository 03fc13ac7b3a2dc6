package layers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// heavy is an image whose layer is big enough to break in the middle.
func heavy() imagetest.Image {
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	return imagetest.Image{Layers: [][]layers.File{{{Path: "big", Data: data}}}, Packing: map[int]imagetest.Packing{0: imagetest.Plain}}
}

func TestNamesWithoutARegistry(t *testing.T) {
	home := noSettings(t)
	write(t, home+"/registries.conf", `unqualified-search-registries = ["registry.example.test", "other.example.test"]`)
	for ref, want := range map[string]string{
		"app:1":             "reading app:1: it names no registry: write HOST/app:1, or docker:app:1 or podman:app:1 for an image of a local engine; registries.conf would search other.example.test, registry.example.test, which is never done here",
		"team/app":          "it names no registry: write HOST/team/app, or",
		"Upper/Case:1":      "no image reference",
		"host.test/App":     "malformed repository",
		"host.test/app:":    "malformed tag",
		"host.test/app@x":   "malformed or unsupported digest",
		"u:p@host.test/app": "malformed or unsupported digest",
		"host.test:x/app":   "malformed host",
	} {
		_, err := readRegistry(t, ref, layers.Options{Offline: true})
		wantError(t, err, want)
	}
	_, err := readRegistry(t, "localhost/app", layers.Options{Offline: true})
	wantError(t, err, "reading localhost/app: asking localhost: it needs the network, which --offline forbids")
	if !errors.Is(err, layers.ErrOffline) {
		t.Errorf("%v is no ErrOffline", err)
	}
}

func TestBusyRegistry(t *testing.T) {
	noSettings(t)
	for _, code := range []int{429, 500, 502, 503, 504} {
		var left atomic.Int32
		left.Store(3)
		f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if strings.Contains(r.URL.Path, "/manifests/") && left.Add(-1) >= 0 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(code)
				return
			}
			next.ServeHTTP(w, r)
		})
		if _, err := readRegistry(t, f.host+"/team/app:1", layers.Options{}); err != nil {
			t.Errorf("busy three times with %d: %v", code, err)
		}
		left.Store(1000)
		_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
		wantError(t, err, fmt.Sprintf("reading %s/team/app:1: %[1]s: %s answers %d %s, 4 times", f.host, f.host, code, http.StatusText(code)))
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	noSettings(t)
	var refused atomic.Bool
	after := "1"
	f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if isBlob(r) && refused.CompareAndSwap(false, true) {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(429)
			return
		}
		next.ServeHTTP(w, r)
	})
	start := time.Now()
	_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	check(t, err)
	if took := time.Since(start); took < time.Second {
		t.Errorf("took %s, was asked to wait a second", took)
	}
	for _, after = range []string{"3600", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)} {
		refused.Store(false)
		start := time.Now()
		_, err = readRegistry(t, f.host+"/team/app:1", layers.Options{})
		wantError(t, err, "answers 429 Too Many Requests, and it would take")
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("waited %s for a registry that asks for an hour", took)
		}
	}
	refused.Store(false)
	after = "60"
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = layers.Read(ctx, layers.Registry, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "and it would take 1m0s until the next attempt")
}

func TestBrokenConnections(t *testing.T) {
	noSettings(t)
	var left atomic.Int32
	left.Store(2)
	f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/manifests/") && left.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
	_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	check(t, err)
}

// TestBrokenDownloads: a blob that breaks off is taken up where it broke off, or from its start by a registry that knows
// no Range; its digest is held against all of it.
func TestBrokenDownloads(t *testing.T) {
	noSettings(t)
	for _, c := range []struct {
		name   string
		ranges bool
		breaks int32
		want   string
	}{
		{"by range", true, 5, ""},
		{"from the start", false, 5, ""},
		{"for ever", false, 1000, "the download broke off after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var left, resumed atomic.Int32
			left.Store(c.breaks)
			f := serveFaulty(t, heavy(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.Header.Get("Range") != "" {
					resumed.Add(1)
				}
				if !c.ranges {
					r.Header.Del("Range")
				}
				if isBlob(r) && left.Add(-1) >= 0 {
					cut(w, r, next, 40_000)
					return
				}
				next.ServeHTTP(w, r)
			})
			img, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
			if c.want != "" {
				if err == nil {
					t.Fatal("no error")
				}
				wantError(t, err, c.want)
				return
			}
			check(t, err)
			if data, err := img.FS.ReadFile("big"); err != nil || string(data) != string(heavy().Layers[0][0].Data) {
				t.Errorf("%d bytes, %v", len(data), err)
			}
			if resumed.Load() == 0 {
				t.Error("nothing was resumed")
			}
		})
	}
}

func TestResumedBytesAreHeldAgainstTheDigest(t *testing.T) {
	noSettings(t)
	var first atomic.Bool
	first.Store(true)
	f := serveFaulty(t, heavy(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if isBlob(r) && r.Header.Get("Range") != "" {
			w.Header().Set("Content-Range", "bytes "+strings.TrimPrefix(r.Header.Get("Range"), "bytes=")+"/*")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(make([]byte, 400_000))
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		if isBlob(r) && rec.Body.Len() > 100_000 && first.CompareAndSwap(true, false) {
			cut(w, r, next, 100_000)
			return
		}
		next.ServeHTTP(w, r)
	})
	_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	if !errors.Is(err, layers.ErrDigest) {
		t.Errorf("got %v", err)
	}
}

func TestSilentRegistry(t *testing.T) {
	noSettings(t)
	host := deaf(t)
	start := time.Now()
	_, err := readRegistry(t, host+"/team/app:1", layers.Options{})
	wantError(t, err, host+" has been silent for 200ms")
	f := serveFaulty(t, heavy(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		if isBlob(r) && rec.Body.Len() > 100_000 {
			w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
			_, _ = w.Write(rec.Body.Bytes()[:1000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		next.ServeHTTP(w, r)
	})
	_, err = readRegistry(t, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "silent for 200ms (no more bytes)")
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("silence was borne for %s", took)
	}
}

func TestRedirects(t *testing.T) {
	noSettings(t)
	elsewhere := serveFaulty(t, small(), nil)
	var to func(r *http.Request) string
	f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if isBlob(r) {
			http.Redirect(w, r, to(r), http.StatusTemporaryRedirect)
			return
		}
		next.ServeHTTP(w, r)
	})
	to = func(r *http.Request) string { return "http://" + elsewhere.host + r.URL.Path + "?signature=hush" }
	_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	check(t, err)
	to = func(r *http.Request) string { return r.URL.Path + "x" }
	_, err = readRegistry(t, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "more than the limit of 10 redirects")
	to = func(*http.Request) string { return "http://127.0.0.1:1/v2/?signature=hush" }
	_, err = readRegistry(t, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "connection refused", "hush")
	to = func(r *http.Request) string { return "file:///etc/passwd" }
	_, err = readRegistry(t, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "redirected from http to file")
}

// TestLyingRegistry: what a registry sends is held against the digest that was asked for.
func TestLyingRegistry(t *testing.T) {
	noSettings(t)
	f := serveFaulty(t, small(), nil)
	img, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	check(t, err)
	other := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasSuffix(r.URL.Path, img.Digest) {
			r.URL.Path = strings.TrimSuffix(r.URL.Path, img.Digest) + "1"
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			_, _ = w.Write(append(rec.Body.Bytes(), ' '))
			return
		}
		next.ServeHTTP(w, r)
	})
	if _, err := readRegistry(t, other.host+"/team/app@"+img.Digest, layers.Options{}); !errors.Is(err, layers.ErrDigest) {
		t.Errorf("another manifest: %v", err)
	}
	if _, err := readRegistry(t, other.host+"/team/app:1@"+img.Digest, layers.Options{}); !errors.Is(err, layers.ErrDigest) {
		t.Errorf("a tag decided over the digest: %v", err)
	}
}

func TestManifestIsBounded(t *testing.T) {
	noSettings(t)
	f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/manifests/") {
			for range 100 {
				_, _ = w.Write(make([]byte, 1<<16))
			}
			return
		}
		next.ServeHTTP(w, r)
	})
	_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "manifest: more than the limit of 4194304 bytes")
}

// TestAddressesInManifests: the addresses that a manifest lists for a layer are never asked.
func TestAddressesInManifests(t *testing.T) {
	noSettings(t)
	var asked atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer elsewhere.Close()
	for mediaType, want := range map[string]string{
		"application/vnd.oci.image.layer.nondistributable.v1.tar": "a foreign layer, which is never fetched",
		"application/vnd.oci.image.layer.v1.tar":                  "not found",
	} {
		f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			var doc map[string]any
			switch {
			case strings.Contains(r.URL.Path, "/manifests/") && json.Unmarshal(rec.Body.Bytes(), &doc) == nil:
				layer := doc["layers"].([]any)[0].(map[string]any)
				layer["mediaType"], layer["urls"] = mediaType, []string{elsewhere.URL}
				w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
				_ = json.NewEncoder(w).Encode(doc)
			case isBlob(r) && json.Unmarshal(rec.Body.Bytes(), &doc) != nil: // no config
				w.WriteHeader(http.StatusNotFound)
			default:
				next.ServeHTTP(w, r)
			}
		})
		_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
		wantError(t, err, want)
		if asked.Load() {
			t.Errorf("%s: an address in the manifest was asked", mediaType)
		}
	}
}

// TestBrokenStreams: over HTTP/2 a request or a download that is broken off ends a stream, not the connection.
func TestBrokenStreams(t *testing.T) {
	noSettings(t)
	f := serveFaulty(t, heavy(), nil)
	var left, blobs atomic.Int32
	left.Store(2)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.ProtoMajor != 2:
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		case strings.Contains(r.URL.Path, "/manifests/") && left.Add(-1) >= 0:
			panic(http.ErrAbortHandler)
		case isBlob(r) && blobs.Add(1) < 4:
			cut(w, r, f.store, 40_000)
		default:
			f.store.ServeHTTP(w, r)
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "https://")
	_, err := readRegistry(t, host+"/team/app:1", layers.Options{InsecureRegistries: []string{host}})
	check(t, err)
}
