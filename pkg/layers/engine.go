package layers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// engine is a local container engine, spoken to over its socket.
// Source: Docker Engine API v1.40 and later, "Image"; Podman offers the same beside its own.
type engine struct {
	address string // as in DOCKER_HOST
	base    url.URL
	client  *http.Client
}

// engineName is a name or ID that can stand in a path of the API.
var engineName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]*([/:@][A-Za-z0-9._-]+)*$`)

// findInEngine finds an image of an engine, at the first of its sockets that answers. The image is streamed: neither
// memory nor disk ever holds it whole.
func findInEngine(ctx context.Context, kind Kind, name string, opt Options) ([]*found, error) {
	again, address, err := exporter(ctx, kind, name, opt)
	if err != nil {
		return nil, err
	}
	stream, err := again(ctx)
	if err == nil {
		defer stream.Close()
		var list []*found
		if list, err = findInStream(ctx, stream, "", opt, again); err == nil {
			for _, f := range list {
				f.source = kind
			}
			return list, nil
		}
	}
	return nil, fmt.Errorf("%s: exporting the image: %w", address, clean(err))
}

// exporter finds an image of an engine, and says how to have it exported, and by which address.
func exporter(ctx context.Context, kind Kind, name string, opt Options) (again reopener, address string, err error) {
	if !engineName.MatchString(name) || strings.Contains(name, "..") {
		return nil, "", fmt.Errorf("%s is no name or ID of an image", printable(name))
	}
	env := processEnvironment()
	addresses, err := engineAddresses(env, kind)
	if err != nil {
		return nil, "", err
	}
	var tried []string
	for _, address := range addresses {
		e, err := newEngine(env, address, opt.Offline)
		var id string
		if err == nil {
			id, err = e.inspect(ctx, name)
		}
		var unreachable *net.OpError
		switch {
		case err == nil:
			query, err := exportQuery(kind, opt)
			return func(ctx context.Context) (io.ReadCloser, error) { return e.get(ctx, id, "get", query) }, e.address, err
		case context.Cause(ctx) != nil:
			return nil, "", context.Cause(ctx)
		case !errors.As(err, &unreachable) || unreachable.Op != "dial":
			return nil, "", fmt.Errorf("%s: %w", address, err)
		}
		tried = append(tried, address+": "+unreachable.Err.Error())
	}
	return nil, "", fmt.Errorf("no engine: %s", strings.Join(tried, "; "))
}

// newEngine prepares the way to an engine.
func newEngine(env environment, address string, offline bool) (*engine, error) {
	e := &engine{address: address, base: url.URL{Scheme: "http", Host: "engine"}}
	scheme, rest, _ := strings.Cut(address, "://")
	t := &http.Transport{DisableCompression: true}
	switch scheme {
	case "unix":
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: usualPatience.dial}).DialContext(ctx, "unix", rest)
		}
	case "tcp", "http", "https":
		if offline {
			return nil, ErrOffline
		}
		e.base.Host = strings.TrimSuffix(rest, "/")
		t.DialContext = (&net.Dialer{Timeout: usualPatience.dial}).DialContext
		if dir := env.get("DOCKER_CERT_PATH"); dir != "" || env.get("DOCKER_TLS_VERIFY") != "" || scheme == "https" {
			if dir == "" {
				dir = filepath.Join(env.home(), ".docker")
			}
			e.base.Scheme = "https"
			var err error
			if t.TLSClientConfig, err = engineTLS(dir); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("an engine is reached over unix:// or tcp://, not %s", printable(scheme))
	}
	e.client = &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return e, nil
}

// engineTLS reads the three files of an engine behind TLS. Source: Docker, "Protect the Docker daemon socket".
func engineTLS(dir string) (*tls.Config, error) {
	ca, err := readDocument(filepath.Join(dir, "ca.pem"), maxSettings)
	if err != nil {
		return nil, fmt.Errorf("certificates of the engine: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("certificates of the engine: no certificate in %s", filepath.Join(dir, "ca.pem"))
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, fmt.Errorf("certificates of the engine: %w", err)
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}, nil
}

// inspect returns the ID of an image. By its ID exactly one image is exported, whatever happens to the name meanwhile.
func (e *engine) inspect(ctx context.Context, name string) (id string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, usualPatience.answer, fmt.Errorf("the engine has been silent for %s", usualPatience.answer))
	defer cancel()
	body, err := e.get(ctx, name, "json", nil)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return "", err
	}
	defer body.Close()
	data, err := readAll(body, maxConfig, "the engine's answer")
	if err != nil {
		return "", err
	}
	var image struct{ ID string }
	if err := json.Unmarshal(data, &image); err != nil {
		return "", fmt.Errorf("the engine's answer: %w", err)
	}
	if !engineName.MatchString(image.ID) {
		return "", fmt.Errorf("the engine names the image %s", printable(image.ID))
	}
	return image.ID, nil
}

// get asks for a part of what the engine knows of an image. The caller closes.
func (e *engine) get(ctx context.Context, name, part string, query url.Values) (io.ReadCloser, error) {
	at := e.base
	at.Path, at.RawQuery = "/images/"+name+"/"+part, query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, clean(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var said struct{ Message string }
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	_ = json.Unmarshal(data, &said)
	text := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if said.Message != "" {
		text += ", " + shortened(said.Message)
	}
	if resp.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%w (%s)", ErrNotFound, text)
	}
	return nil, errors.New(text)
}

// exportQuery asks an engine for the image of one platform.
func exportQuery(kind Kind, opt Options) (url.Values, error) {
	query := url.Values{}
	if kind == Docker && opt.Platform != "" && opt.Platform != AllPlatforms { // of API v1.48; others ignore it
		p, err := parsePlatform(opt.Platform)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		query.Set("platform", string(text))
	}
	return query, nil
}
