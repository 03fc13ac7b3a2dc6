package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// hostileRegistry is a registry that does something else than it should for some requests, and what an audit with a
// timeout of registryTimeout then says.
type hostileRegistry struct {
	name, says string
	serve      func(w http.ResponseWriter, r *http.Request, image http.Handler)
}

// registryTimeout is the --timeout of each audit; it may take registryGrace more.
const (
	registryTimeout = 2 * time.Second
	registryGrace   = 3 * time.Second
)

// gibibyte is more than any document has.
const gibibyte = 1 << 30

func asks(r *http.Request, part string) bool { return strings.Contains(r.URL.Path, part) }

// hostileRegistries misbehave for a tag, a config (the blob that is no tar) or a layer.
func hostileRegistries(layer string) []hostileRegistry {
	on := func(part string, do func(w http.ResponseWriter, r *http.Request, image http.Handler)) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, r *http.Request, image http.Handler) {
			if !asks(r, part) {
				image.ServeHTTP(w, r)
				return
			}
			do(w, r, image)
		}
	}
	isConfig := func(do func(w http.ResponseWriter, r *http.Request, image http.Handler)) func(http.ResponseWriter, *http.Request, http.Handler) {
		return on("/blobs/", func(w http.ResponseWriter, r *http.Request, image http.Handler) {
			if asks(r, layer) {
				image.ServeHTTP(w, r)
				return
			}
			do(w, r, image)
		})
	}
	drip := func(w http.ResponseWriter, r *http.Request, image http.Handler) {
		body := answerOf(w, r, image)
		for i := range body {
			_, _ = w.Write(body[i : i+1])
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Second):
			}
		}
	}
	hang := func(w http.ResponseWriter, r *http.Request, image http.Handler) {
		answerOf(w, r, image)
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	silent := func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }
	busy := func(code int, after string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			w.WriteHeader(code)
		}
	}
	loop := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, r.URL.Path+"?again", http.StatusTemporaryRedirect)
	}
	other := func(w http.ResponseWriter, r *http.Request, image http.Handler) {
		body := answerOf(w, r, image)
		body[len(body)/2] ^= 1
		_, _ = w.Write(body)
	}
	endless := func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for n := 0; n < gibibyte; n += len(zeros) {
			if _, err := w.Write(zeros); err != nil {
				return
			}
		}
	}
	return []hostileRegistry{
		{"a layer at a byte a second", "no end within 2s (--timeout)", on(layer, drip)},
		{"a config at a byte a second", "no end within 2s (--timeout)", isConfig(drip)},
		{"a manifest at a byte a second", "no end within 2s (--timeout)", on("/manifests/", drip)},
		{"a layer that hangs behind its header", "no end within 2s (--timeout)", on(layer, hang)},
		{"a manifest that hangs behind its header", "no end within 2s (--timeout)", on("/manifests/", hang)},
		{"silence", "no end within 2s (--timeout)", on("/v2/", silent)},
		{"redirects in a circle for the manifest", "more than the limit of 10 redirects", on("/manifests/", loop)},
		{"redirects in a circle for a layer", "more than the limit of 10 redirects", on(layer, loop)},
		{"busy, for a minute", "answers 429 Too Many Requests, and it would take 1m0s until the next attempt", on("/manifests/", busy(http.StatusTooManyRequests, "60"))},
		{"busy, for a year", "answers 429 Too Many Requests, and it would take 8760h0m0s until the next attempt", on(layer, busy(http.StatusTooManyRequests, "31536000"))},
		{"busy, again and again", "answers 429 Too Many Requests", on("/v2/", busy(http.StatusTooManyRequests, "0"))},
		{"broken, again and again", "answers 503 Service Unavailable", on("/blobs/", busy(http.StatusServiceUnavailable, ""))},
		{"another layer", "digest does not match", on(layer, other)},
		{"another config", "digest does not match", isConfig(other)},
		{"another manifest", "digest does not match", on("/manifests/", func(w http.ResponseWriter, r *http.Request, image http.Handler) {
			body := answerOf(w, r, image) // with the digest of the right one
			_, _ = w.Write(append(body, ' '))
		})},
		{"a layer that is cut off each time", "unexpected EOF", on(layer, func(w http.ResponseWriter, r *http.Request, image http.Handler) {
			body := answerOf(w, r, image)
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:min(100, len(body))])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})},
		{"a config of 1 GiB", "config: more than the limit of 8388608 bytes", isConfig(endless)},
		{"a manifest of 1 GiB", "manifest: more than the limit of 4194304 bytes", on("/manifests/", endless)},
		{"a layer of 1 GiB", "digest does not match", on(layer, endless)},
		{"an index of itself", "digest does not match", on("/manifests/", serveIndexes(indexOf(indexType, noDigest), nil))},
		{"indexes in indexes", "nested indexes: more than the limit of 4 levels", on("/manifests/", nested(6))},
		{"an index of many indexes", "nested indexes: more than the limit of 128 indexes", on("/manifests/", broad(200))},
	}
}

// answerOf is the body that the image's registry sends; its headers, but for the length, are sent.
func answerOf(w http.ResponseWriter, r *http.Request, image http.Handler) []byte {
	rec := httptest.NewRecorder()
	image.ServeHTTP(rec, r)
	for key, values := range rec.Header() {
		if key != "Content-Length" {
			w.Header()[key] = values
		}
	}
	return rec.Body.Bytes()
}

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
)

func digestOf(raw []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(raw)) }

// noDigest is the digest of nothing that is there.
var noDigest = "sha256:" + strings.Repeat("a", 64)

// indexOf is an index that lists documents.
func indexOf(mediaType string, digests ...string) []byte {
	list := []map[string]any{}
	for _, d := range digests {
		list = append(list, map[string]any{"mediaType": mediaType, "digest": d, "size": 100})
	}
	raw, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": list})
	if err != nil {
		panic(err) // the test's own mistake
	}
	return raw
}

// nested are indexes, each in the one before.
func nested(levels int) func(http.ResponseWriter, *http.Request, http.Handler) {
	documents, raw := map[string][]byte{}, indexOf(manifestType, noDigest)
	for range levels {
		documents[digestOf(raw)] = raw
		raw = indexOf(indexType, digestOf(raw))
	}
	return serveIndexes(raw, documents)
}

// broad is an index of many indexes.
func broad(width int) func(http.ResponseWriter, *http.Request, http.Handler) {
	documents, all := map[string][]byte{}, []string{}
	for i := range width {
		raw := indexOf(manifestType, fmt.Sprintf("sha256:%064x", i))
		all = append(all, digestOf(raw))
		documents[digestOf(raw)] = raw
	}
	return serveIndexes(indexOf(indexType, all...), documents)
}

// serveIndexes answers with documents by their digests, and with top for all else.
func serveIndexes(top []byte, documents map[string][]byte) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		raw, ok := documents[filepath.Base(r.URL.Path)]
		if !ok {
			raw = top
		}
		w.Header().Set("Content-Type", indexType)
		_, _ = w.Write(raw)
	}
}

// TestHostileRegistries audits an image of each of them in a process of its own: it ends in time, within the memory
// that is promised, with exit code 3 and words.
func TestHostileRegistries(t *testing.T) {
	imgaudit := buildProgram(t)
	store := imagetest.Registry()
	front := httptest.NewServer(store)
	image := imagetest.Image{Layers: [][]layers.File{{{Path: "etc/passwd", Data: []byte(strings.Repeat("root:x:0:0::/root:/bin/sh\n", 3000))}}}, Packing: map[int]imagetest.Packing{0: imagetest.Plain}}.Build(t)
	imagetest.Push(t, strings.TrimPrefix(front.URL, "http://")+"/app:1", image)
	front.Close()
	all, err := image.Layers()
	check(t, err)
	layer, err := all[0].Digest()
	check(t, err)
	for _, h := range hostileRegistries(layer.String()) {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, store) }))
			t.Cleanup(s.Close)
			home := t.TempDir()
			conf := filepath.Join(home, "registries.conf")
			check(t, os.WriteFile(conf, nil, 0o600))
			cmd := exec.Command(imgaudit, "check", strings.TrimPrefix(s.URL, "http://")+"/app:1", "--timeout", registryTimeout.String())
			cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME=", "CONTAINERS_REGISTRIES_CONF="+conf)
			start := time.Now()
			hostile{exit: unread, says: h.says}.judge(t, cmd)
			if took := time.Since(start); took > registryTimeout+registryGrace {
				t.Errorf("took %v with a timeout of %v", took, registryTimeout)
			}
		})
	}
}
