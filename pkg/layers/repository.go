package layers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// repository is one repository of one registry.
type repository struct {
	place
	net *network

	mu     sync.Mutex
	client *http.Client // nil until the registry was first spoken to
	base   url.URL      // "scheme://host/v2/repository"
	login  error        // why no credentials were found, errNoLogin if there are just none, nil with some
}

// manifestTypes is what we take for a manifest.
var manifestTypes = strings.Join([]string{ociIndex, dockerIndex, ociManifest, dockerManifest}, ",")

// isManifest tells what a registry keeps among the manifests from what it keeps among the blobs.
func isManifest(mediaType string) bool {
	return mediaType == "" || strings.Contains(mediaType, ".manifest.") || strings.Contains(mediaType, ".index.")
}

// maxRedirects bounds how often a registry may send us elsewhere for one request.
const maxRedirects = 10

// connect shakes hands with the registry once: http or https, which login it wants, a token for this repository.
// The handshake is go-containerregistry's, which gives no token to another host.
func (r *repository) connect(ctx context.Context) (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	reg, repo, err := r.ref.registry()
	if err != nil {
		return nil, err
	}
	host := reg.RegistryStr()
	if r.insecure {
		r.net.trust(host)
	}
	below := transport.NewUserAgent(&retrying{inner: r.net, pause: r.net.patience.pause}, "imgaudit")
	scheme, err := r.scheme(ctx, below, host)
	if err != nil {
		return nil, clean(err)
	}
	if scheme == "http" {
		if reg, err = name.NewRegistry(host, name.Insecure); err != nil {
			return nil, err
		}
	}
	auth, login := findCredentials(ctx, r.net.env, reg, repo)
	if auth == authn.Anonymous && login == nil {
		login = errNoLogin
	}
	r.login = login
	t, err := transport.NewWithContext(ctx, reg, auth, oneScheme{below, host, scheme}, []string{"repository:" + repo + ":pull"})
	if err != nil {
		return nil, r.explain(err)
	}
	r.base = url.URL{Scheme: scheme, Host: host, Path: "/v2/" + repo}
	r.client = &http.Client{Transport: t, CheckRedirect: checkRedirect}
	return r.client, nil
}

// errNoLogin is that nobody is logged in to a registry.
var errNoLogin = errors.New("there are no credentials for it (docker login, podman login)")

// scheme tells how a registry is spoken to. A host that may be spoken to over http is so only if it knows no TLS.
func (r *repository) scheme(ctx context.Context, t http.RoundTripper, host string) (string, error) {
	plain := loopback(host) || r.net.trusted(host)
	if !plain {
		return "https", nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/v2/", nil)
	if err != nil {
		return "", err
	}
	resp, err := t.RoundTrip(req)
	if err == nil {
		return "https", resp.Body.Close()
	}
	var record tls.RecordHeaderError
	noPort := (&url.URL{Host: host}).Port() == "" // then each scheme has its own
	if errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record) || noPort && context.Cause(ctx) == nil {
		return "http", nil
	}
	return "", err
}

// oneScheme keeps the handshake from asking a registry over the other scheme, whose failure says nothing.
type oneScheme struct {
	inner        http.RoundTripper
	host, scheme string
}

var errOtherScheme = errors.New("the other scheme")

func (t oneScheme) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == t.host && req.URL.Path == "/v2/" && req.URL.Scheme != t.scheme {
		return nil, errOtherScheme
	}
	return t.inner.RoundTrip(req)
}

// checkRedirect bounds redirects, and follows none from https to http.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than the limit of %d redirects", maxRedirects)
	}
	from, to := via[len(via)-1].URL.Scheme, req.URL.Scheme
	if from == "https" && to != "https" || to != "https" && to != "http" {
		return fmt.Errorf("redirected from %s to %s", from, printable(to))
	}
	return nil
}

// get asks for a path below the repository. The caller closes the body of an answer that is among the wanted.
func (r *repository) get(ctx context.Context, path string, header http.Header, wanted ...int) (*http.Response, error) {
	client, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base.String()+path, nil)
	if err != nil {
		return nil, err
	}
	for key, values := range header {
		req.Header[key] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, r.explain(err)
	}
	if err := transport.CheckError(resp, wanted...); err != nil {
		resp.Body.Close()
		return nil, r.explain(err)
	}
	return resp, nil
}

// manifest returns a manifest or index by tag or digest, and its descriptor.
func (r *repository) manifest(ctx context.Context, identifier string) ([]byte, descriptor, error) {
	resp, err := r.get(ctx, "/manifests/"+identifier, http.Header{"Accept": {manifestTypes}}, http.StatusOK)
	if err != nil {
		return nil, descriptor{}, err
	}
	defer resp.Body.Close()
	data, err := readAll(resp.Body, maxManifest, "manifest")
	if err != nil {
		return nil, descriptor{}, clean(err)
	}
	d := descriptor{Digest: digestOf(data), Size: int64(len(data))}
	if d.MediaType, _, err = mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil {
		d.MediaType = ""
	}
	for _, promised := range []string{identifier, resp.Header.Get("Docker-Content-Digest")} {
		if !digestForm.MatchString(promised) {
			continue
		}
		if err := verify(d.Digest, promised); err != nil {
			return nil, descriptor{}, fmt.Errorf("manifest %s: %w", identifier, err)
		}
	}
	return data, d, nil
}

// explain turns an error of a request into one line without addresses' secrets: what a registry does not have is
// ErrNotFound, and a refusal says what was wrong with the credentials.
func (r *repository) explain(err error) error {
	var said *transport.Error
	if !errors.As(err, &said) {
		return clean(err)
	}
	text := fmt.Sprintf("%d %s", said.StatusCode, http.StatusText(said.StatusCode))
	for i, d := range said.Errors {
		if i == 3 {
			break
		}
		text += fmt.Sprintf(", %s: %s", printable(string(d.Code)), shortened(d.Message))
	}
	if host := said.Request.URL.Host; host != r.ref.host {
		text = printable(host) + " answers " + text
	}
	switch said.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w (%s)", ErrNotFound, text)
	case http.StatusUnauthorized, http.StatusForbidden:
		if r.login != nil {
			return fmt.Errorf("%s; %w", text, r.login)
		}
	}
	return errors.New(text)
}

// shortened quotes what a registry says if it is not plain words.
func shortened(s string) string {
	const most = 120
	for _, c := range s {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%.120q", s)
		}
	}
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// addresses finds what must not be shown of an address: a signed query, a user and password.
var addresses = lazyregexp.New(`(https?://)([^/\s"@]*@)?([^\s"?]*)(\?[^\s"]*)?`)

// requests finds what net/http says before the reason, and all of a request that oneScheme kept back.
var requests = lazyregexp.New(`(; )?(Get|Post|Head) "[^"]*": the other scheme(; )?|(Get|Post|Head) "[^"]*": `)

// clean takes secrets and line breaks out of an error's text; errors.Is and errors.As still see the error.
func clean(err error) error {
	var at *url.Error
	if errors.As(err, &at) && err == error(at) {
		err = at.Err
	}
	text, _, _ := strings.Cut(err.Error(), "no token in bearer response:\n") // followed by the response
	if text == "" {
		text = "the token server gives no token"
	}
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		text += "; " + errPlainHTTP.Error()
	case errors.As(err, &unknown):
		text += "; --ca-cert FILE adds one"
	}
	text = addresses.ReplaceAllString(requests.ReplaceAllString(text, ""), "$1$3")
	return &cleanError{text: strings.Join(strings.Fields(text), " "), err: err}
}

type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.err }

// discard reads n bytes away.
func discard(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
