package layers_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// TestMirrors: the mirrors of registries.conf are asked in order, then the registry itself; the error names each with
// its reason. The image keeps the name that the user wrote.
func TestMirrors(t *testing.T) {
	home := noSettings(t)
	good := serveFaulty(t, small(), nil)
	empty := imagetest.Serve(t)
	busy := serveFaulty(t, small(), func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(503) })
	index, err := readRegistry(t, good.host+"/team/app:1", layers.Options{})
	check(t, err)
	pinned := "registry.test/team/app@" + index.Digest
	for _, c := range []struct{ name, conf, ref, want string }{
		{"mirrors", `[[registry]]
			location = "registry.test"
			[[registry.mirror]]
			location = "EMPTY"
			[[registry.mirror]]
			location = "BUSY"
			[[registry.mirror]]
			location = "GOOD"`, "registry.test/team/app:1", ""},
		{"the location at last", `[[registry]]
			prefix = "registry.test/x"
			location = "GOOD/team"
			[[registry.mirror]]
			location = "EMPTY"`, "registry.test/x/app:1", ""},
		{"all in vain", `[[registry]]
			prefix = "registry.test"
			location = "127.0.0.1:1"
			[[registry.mirror]]
			location = "EMPTY"
			[[registry.mirror]]
			location = "BUSY"`, "registry.test/team/app:1",
			"mirror EMPTY: not found (404 Not Found, NAME_UNKNOWN: Unknown name); mirror BUSY: BUSY answers 503 Service Unavailable, 4 times; 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"only tags", `[[registry]]
			location = "registry.test"
			blocked = false
			[[registry.mirror]]
			location = "GOOD"
			pull-from-mirror = "digest-only"`, pinned, ""},
		{"by digest only", `[[registry]]
			prefix = "registry.test"
			location = "EMPTY"
			mirror-by-digest-only = true
			[[registry.mirror]]
			location = "GOOD"`, "registry.test/team/app:1", "EMPTY: not found"},
		{"by digest", `[[registry]]
			prefix = "registry.test"
			location = "EMPTY"
			mirror-by-digest-only = true
			[[registry.mirror]]
			location = "GOOD"`, pinned, ""},
		{"wildcard", `[[registry]]
			prefix = "*.test"
			location = "GOOD"`, "registry.test/team/app:1", ""},
		{"the longest prefix", `[[registry]]
			prefix = "registry.test/team"
			location = "GOOD/team"
			[[registry]]
			prefix = "registry.test"
			blocked = true`, "registry.test/team/app:1", ""},
		{"blocked", `[[registry]]
			prefix = "registry.test/te"
			location = "GOOD"
			[[registry]]
			prefix = "registry.test"
			blocked = true`, "registry.test/team/app:1", "registry registry.test is blocked by HOME/registries.conf"},
		{"blocked by version 1", `[registries.block]
			registries = ["registry.test"]`, "registry.test/team/app:1", "registry registry.test is blocked by HOME/registries.conf"},
		{"no TOML", "[[registry]]\nlocation = ", "registry.test/team/app:1", "reading HOME/registries.conf: line 2: "},
		{"nothing said", "[[registry]]\ninsecure = true", "registry.test/team/app:1", "a [[registry]] has neither prefix nor location"},
		{"a mirror with a scheme", "[[registry]]\nlocation = \"registry.test\"\n[[registry.mirror]]\nlocation = \"http://GOOD\"", "registry.test/team/app:1", "a mirror's location is http://GOOD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fill := strings.NewReplacer("GOOD", good.host, "EMPTY", empty, "BUSY", busy.host, "HOME", home)
			write(t, home+"/registries.conf", fill.Replace(c.conf))
			img, err := readRegistry(t, c.ref, layers.Options{})
			if c.want != "" {
				wantError(t, err, fill.Replace(c.want))
				return
			}
			check(t, err)
			if img.Ref != c.ref || img.Digest != index.Digest {
				t.Errorf("got %s %s", img.Ref, img.Digest)
			}
		})
	}
}

// TestMirrorThatEnds: a mirror that has the manifest and loses its blobs is left for the next place.
func TestMirrorThatEnds(t *testing.T) {
	home := noSettings(t)
	for name, fault := range map[string]func(w http.ResponseWriter, r *http.Request, next http.Handler){
		"has no blobs": func(w http.ResponseWriter, r *http.Request, _ http.Handler) { w.WriteHeader(404) },
		"breaks off":   func(w http.ResponseWriter, r *http.Request, next http.Handler) { cut(w, r, next, 100) },
	} {
		t.Run(name, func(t *testing.T) {
			good := serveFaulty(t, heavy(), nil)
			mirror := serveFaulty(t, heavy(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if isBlob(r) {
					fault(w, r, next)
					return
				}
				next.ServeHTTP(w, r)
			})
			write(t, home+"/registries.conf", "[[registry]]\nprefix = \"registry.test\"\nlocation = \""+good.host+"\"\n[[registry.mirror]]\nlocation = \""+mirror.host+"\"\n")
			_, err := readRegistry(t, "registry.test/team/app:1", layers.Options{})
			check(t, err)
			if mirror.count("/manifests/") != 1 || good.count("/manifests/") != 0 || good.count("/blobs/") != 2 {
				t.Errorf("mirror %v, registry %v", mirror.seen, good.seen)
			}
		})
	}
}

// TestWhichRegistriesConf: CONTAINERS_REGISTRIES_CONF before the user's file, and the user's drop-ins over both.
func TestWhichRegistriesConf(t *testing.T) {
	home := noSettings(t)
	block := func(host string) string { return "[[registry]]\nlocation = \"" + host + "\"\nblocked = true\n" }
	write(t, home+"/registries.conf", block("named.test"))
	write(t, home+"/.config/containers/registries.conf", block("user.test"))
	write(t, home+"/.config/containers/registries.conf.d/50.conf", block("dropin.test")+block("replaced.test"))
	write(t, home+"/.config/containers/registries.conf.d/60.conf", "[[registry]]\nlocation = \"replaced.test\"\n")
	blocked := func(want string) {
		t.Helper()
		got := ""
		for _, host := range []string{"named.test", "user.test", "dropin.test", "replaced.test"} {
			_, err := readRegistry(t, host+"/app", layers.Options{InsecureRegistries: []string{host}})
			if err != nil && strings.Contains(err.Error(), "is blocked by") {
				got += host + " "
			}
		}
		if got != want {
			t.Errorf("blocked %s, want %s", got, want)
		}
	}
	blocked("named.test dropin.test ")
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "")
	blocked("user.test dropin.test ")
	t.Setenv("CONTAINERS_REGISTRIES_CONF", home+"/nothing")
	if _, err := readRegistry(t, "user.test/app", layers.Options{}); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}
