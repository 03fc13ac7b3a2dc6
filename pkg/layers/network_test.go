package layers

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// emptyEnvironment has no settings at all.
var emptyEnvironment = environment{get: func(string) string { return "" }}

// TestPlainHTTP: only loopback, a host that was named, and what plain http without credentials leads to.
func TestPlainHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	dialed := errors.New("dialed")
	for _, c := range []struct {
		host     string
		insecure []string
		redirect string // from where
		token    string
		want     error
	}{
		{"192.0.2.1", nil, "", "", errPlainHTTP},
		{"registry.test:5000", nil, "", "", errPlainHTTP},
		{"registry.test:5000", []string{"registry.test:5001"}, "", "", errPlainHTTP},
		{"registry.test:5000", []string{"registry.test:5000"}, "", "", dialed},
		{"registry.test:5000", []string{"registry.test"}, "", "", dialed},
		{"registry.test", []string{"registry.test"}, "", "", dialed},
		{"localhost.registry.test", nil, "", "", errPlainHTTP},
		{"localhost", nil, "", "", dialed},
		{"127.9.9.9:80", nil, "", "", dialed},
		{"[::1]:5000", nil, "", "", dialed},
		{"cdn.test", nil, "http://localhost/x", "", dialed},
		{"cdn.test", nil, "http://localhost/x", "Bearer x", errPlainHTTP},
		{"cdn.test", nil, "https://localhost/x", "", errPlainHTTP},
	} {
		n := newNetwork(emptyEnvironment, Options{InsecureRegistries: c.insecure})
		n.hosts[c.host] = &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, dialed }}
		req := httptest.NewRequest(http.MethodGet, "http://"+c.host+"/v2/", nil)
		req.RequestURI = ""
		if c.token != "" {
			req.Header.Set("Authorization", c.token)
		}
		if c.redirect != "" {
			req.Response = &http.Response{Request: httptest.NewRequest(http.MethodGet, c.redirect, nil)}
		}
		if _, err := n.RoundTrip(req); !errors.Is(err, c.want) {
			t.Errorf("%s %v after %s: %v, want %v", c.host, c.insecure, c.redirect, err, c.want)
		}
	}
}

func TestOfflineDialsNothing(t *testing.T) {
	asked := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer s.Close()
	_, err := (&http.Client{Transport: newNetwork(emptyEnvironment, Options{Offline: true})}).Get(s.URL)
	if !errors.Is(err, ErrOffline) || asked {
		t.Errorf("%v, asked %v", err, asked)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-3": 0, "soon": 0, "99999999999999": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

// TestClean: what errors of the network say of addresses is shown without their secrets.
func TestClean(t *testing.T) {
	at, err := url.Parse("https://cdn.test/blob?X-Signature=hush")
	if err != nil {
		t.Fatal(err)
	}
	reason := errors.New("reason")
	for want, err := range map[string]error{
		"reason": &url.Error{Op: "Get", URL: at.String(), Err: reason},
		"got https://cdn.test/blob and http://b/c: reason": fmt.Errorf("got https://u:hush@cdn.test/blob?a=hush and http://b/c:\n %w", reason),
		"refusing realm \"https://a.test/token\": reason":  fmt.Errorf("refusing realm %q: %w", "https://a.test/token?service=hush", reason),
		"one reason": fmt.Errorf("Get %q: %w; Get \"http://a.test/v2/\": one %w", "https://a.test/v2/", errOtherScheme, reason),
		"http: server gave HTTP response to HTTPS client; plain http is only for loopback and for --insecure-registry HOST": &url.Error{Op: "Get", URL: at.String(), Err: http.ErrSchemeMismatch},
		"the token server gives no token": fmt.Errorf("no token in bearer response:\n{hush}"),
	} {
		got := clean(err)
		if got.Error() != want || strings.Contains(got.Error(), "hush") {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if strings.HasSuffix(want, "reason") && !errors.Is(got, reason) {
			t.Errorf("%s: the cause is lost", got)
		}
	}
}
