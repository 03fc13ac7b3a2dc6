package layers_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

const secret = "s3cret-of-alice"

var login = base64.StdEncoding.EncodeToString([]byte("alice:" + secret))

// authFile is a file of credentials for some keys.
func authFile(keys ...string) string {
	auths := map[string]map[string]string{}
	for _, key := range keys {
		auths[key] = map[string]string{"auth": login}
	}
	text, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// basic is a registry that wants alice's password.
func basic(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.Header.Get("Authorization") != "Basic "+login {
		w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}`, http.StatusUnauthorized)
		return
	}
	next.ServeHTTP(w, r)
}

func TestCredentials(t *testing.T) {
	f := serveFaulty(t, small(), basic)
	helper := func(t *testing.T, script string) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "docker-credential-test"), "#!/bin/sh\n"+script)
		check(t, os.Chmod(filepath.Join(dir, "docker-credential-test"), 0o755))
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, home string)
		want    string // of the error, "" for none
	}{
		"none": {func(*testing.T, string) {}, "401 Unauthorized, UNAUTHORIZED: who are you?; there are no credentials for it (docker login, podman login)"},
		"docker login": {func(t *testing.T, home string) {
			write(t, home+"/.docker/config.json", authFile(f.host))
		}, ""},
		"DOCKER_CONFIG": {func(t *testing.T, home string) {
			write(t, home+"/elsewhere/config.json", authFile("https://"+f.host+"/v2/"))
			t.Setenv("DOCKER_CONFIG", home+"/elsewhere")
		}, ""},
		"DOCKER_AUTH_CONFIG": {func(t *testing.T, home string) {
			t.Setenv("DOCKER_AUTH_CONFIG", authFile(f.host))
		}, ""},
		"podman login": {func(t *testing.T, home string) {
			write(t, home+"/.docker/config.json", authFile("other.test"))
			write(t, home+"/run/containers/auth.json", authFile(f.host))
		}, ""},
		"podman's lasting file": {func(t *testing.T, home string) {
			write(t, home+"/.config/containers/auth.json", authFile(f.host))
		}, ""},
		"REGISTRY_AUTH_FILE, by namespace": {func(t *testing.T, home string) {
			write(t, home+"/auth.json", authFile(f.host+"/team"))
			t.Setenv("REGISTRY_AUTH_FILE", home+"/auth.json")
		}, ""},
		"by repository": {func(t *testing.T, home string) {
			write(t, home+"/run/containers/auth.json", authFile(f.host+"/team/app"))
		}, ""},
		"of another namespace": {func(t *testing.T, home string) {
			write(t, home+"/run/containers/auth.json", authFile(f.host+"/tea", f.host+"/team/app/x"))
		}, "401 Unauthorized"},
		"helper": {func(t *testing.T, home string) {
			helper(t, `read host; [ "$1 $host" = "get `+f.host+`" ] && echo '{"ServerURL":"x","Username":"alice","Secret":"`+secret+`"}'`)
			write(t, home+"/.docker/config.json", `{"credHelpers":{"`+f.host+`":"test"}}`)
		}, ""},
		"store": {func(t *testing.T, home string) {
			helper(t, `echo '{"ServerURL":"x","Username":"alice","Secret":"`+secret+`"}'`)
			write(t, home+"/.docker/config.json", `{"credsStore":"test"}`)
		}, ""},
		"helper that fails": {func(t *testing.T, home string) {
			helper(t, "echo "+secret+"; exit 3")
			write(t, home+"/.docker/config.json", `{"credHelpers":{"`+f.host+`":"test"}}`)
		}, "credentials of "},
		"helper that is not there": {func(t *testing.T, home string) {
			write(t, home+"/.docker/config.json", `{"credHelpers":{"`+f.host+`":"nowhere"}}`)
		}, `exec: "docker-credential-nowhere": executable file not found`},
		"malformed": {func(t *testing.T, home string) {
			write(t, home+"/.docker/config.json", `{"auths":{"x":{"auth":"`+secret)
		}, "config.json: malformed"},
		"wrong": {func(t *testing.T, home string) {
			write(t, home+"/.docker/config.json", strings.ReplaceAll(authFile(f.host), login, base64.StdEncoding.EncodeToString([]byte("alice:"+secret+"2"))))
		}, "401 Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			c.prepare(t, noSettings(t))
			_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
			if c.want == "" {
				check(t, err)
				return
			}
			wantError(t, err, c.want, secret, login)
		})
	}
}

// TestTokens: a registry that sends us to a token server first; its tokens end, and go to no other host.
func TestTokens(t *testing.T) {
	for name, anonymous := range map[string]bool{"anonymous": true, "login": false} {
		t.Run(name, func(t *testing.T) {
			home := noSettings(t)
			var leaked atomic.Bool
			elsewhere := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.Header.Get("Authorization") != "" {
					leaked.Store(true)
				}
				next.ServeHTTP(w, r)
			})
			var issued atomic.Int32
			var uses sync.Map // of a token, which ends with its third
			f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.Path == "/token" {
					if !anonymous && r.Header.Get("Authorization") != "Basic "+login || r.URL.Query().Get("scope") != "repository:team/app:pull" {
						w.WriteHeader(http.StatusUnauthorized)
						return
					}
					fmt.Fprintf(w, `{"token":"token-%d"}`, issued.Add(1))
					return
				}
				token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer token-")
				used, _ := uses.LoadOrStore(token, new(atomic.Int32))
				if !ok || used.(*atomic.Int32).Add(1) > 2 {
					w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="test",scope="repository:team/app:pull"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if isBlob(r) {
					http.Redirect(w, r, "http://"+elsewhere.host+r.URL.Path, http.StatusTemporaryRedirect)
					return
				}
				next.ServeHTTP(w, r)
			})
			write(t, home+"/.docker/config.json", authFile(f.host, elsewhere.host))
			_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
			check(t, err)
			if issued.Load() < 2 {
				t.Errorf("%d tokens, so none ended", issued.Load())
			}
			if leaked.Load() {
				t.Error("another host was given the token or the password")
			}
		})
	}
}

// TestTokenServerElsewhere: nobody but the registry's own host may be asked for a token on a private address.
func TestTokenServerElsewhere(t *testing.T) {
	home := noSettings(t)
	var asked atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer thief.Close()
	f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+thief.URL+`/token"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	write(t, home+"/.docker/config.json", authFile(f.host))
	_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "private or link-local address")
	if asked.Load() {
		t.Error("the password went to another host")
	}
}

// TestTokenAnswerIsNotShown: what a token server sends stays out of messages.
func TestTokenAnswerIsNotShown(t *testing.T) {
	noSettings(t)
	f := serveFaulty(t, small(), func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if r.URL.Path == "/token" {
			fmt.Fprintf(w, `{"refresh_token":"%s"}`, secret)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	_, err := readRegistry(t, f.host+"/team/app:1", layers.Options{})
	wantError(t, err, "the token server gives no token", secret)
}
