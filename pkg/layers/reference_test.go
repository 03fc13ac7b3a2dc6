package layers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseReference(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	for written, want := range map[string]reference{
		"host.test/app":                         {host: "host.test", repo: "app", tag: "latest"},
		"host.test:5000/team/app:1.2":           {host: "host.test:5000", repo: "team/app", tag: "1.2"},
		"localhost/app@" + digest:               {host: "localhost", repo: "app", digest: digest},
		"[::1]:5000/a__b/c-d:x@" + digest:       {host: "[::1]:5000", repo: "a__b/c-d", tag: "x", digest: digest},
		"host.test/app:" + "a_b.c-D":            {host: "host.test", repo: "app", tag: "a_b.c-D"},
		"host.test/app@sha256:" + "beef":        {},
		"host.test/../app":                      {},
		"host.test//app":                        {},
		"host.test/app/":                        {},
		"user@host.test/app":                    {},
		"host.test/app:1:2":                     {},
		"host.test/app?x=1":                     {},
		"host.test:5000":                        {},
		"host.test/" + strings.Repeat("a", 256): {},
	} {
		got, err := parseReference(written)
		if got != want && err == nil || (err == nil) != (want != reference{}) {
			t.Errorf("%s: %+v, %v", written, got, err)
		}
		if err == nil && got.digest != "" && got.identifier() != got.digest {
			t.Errorf("%s: asks for %s", written, got.identifier())
		}
	}
}

func FuzzReference(f *testing.F) {
	f.Add("host.test:5000/team/app:1.2@sha256:" + strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, written string) {
		r, err := parseReference(written)
		if err != nil {
			return
		}
		again, err := parseReference(r.String())
		if err != nil || again != r || strings.ContainsAny(r.host+r.repo+r.tag, "\n?#%@") {
			t.Errorf("%q: %+v, again %+v, %v", written, r, again, err)
		}
	})
}

func FuzzRegistriesConf(f *testing.F) {
	f.Add("[[registry]]\nprefix = \"*.test\"\nlocation = \"a.test/b\"\n[[registry.mirror]]\nlocation = \"c.test\"\n", "host.test/team/app:1")
	f.Fuzz(func(t *testing.T, text, written string) {
		ref, err := parseReference(written)
		if err != nil {
			return
		}
		file := filepath.Join(t.TempDir(), "registries.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var c registriesConf
		if c.read(file) != nil {
			return
		}
		if list, err := c.places(ref); err == nil && len(list) == 0 {
			t.Errorf("%q: nowhere to ask for %s", text, written)
		}
	})
}
