package layers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// registryStore is a repository of a registry.
type registryStore struct {
	repo   name.Repository
	puller *remote.Puller
	// have holds the document a tag led to, so that it is fetched once.
	have map[string][]byte
	mu   sync.Mutex
}

// findInRegistry finds an image by its reference. Credentials are those of docker login. Layers are only ever fetched
// from the repository named, never from the addresses a manifest lists.
func findInRegistry(ctx context.Context, ref, wish string, insecure bool) (*found, error) {
	var nameOpts []name.Option
	if insecure {
		nameOpts = append(nameOpts, name.Insecure)
	}
	r, err := name.ParseReference(ref, nameOpts...)
	if err != nil {
		return nil, err
	}
	puller, err := remote.NewPuller(
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithTransport(limited{base(insecure)}),
		remote.WithUserAgent("imgaudit"))
	if err != nil {
		return nil, err
	}
	got, err := puller.Get(ctx, r)
	if err != nil {
		return nil, registryError(err)
	}
	from := descriptor{MediaType: string(got.MediaType), Digest: got.Digest.String(), Size: got.Size}
	if digest, ok := r.(name.Digest); ok {
		from.Digest = digest.DigestStr()
	}
	if err := from.check(); err != nil {
		return nil, err
	}
	s := &registryStore{repo: r.Context(), puller: puller, have: map[string][]byte{from.Digest: got.Manifest}}
	return descend(ctx, s, from, wish)
}

// base is the transport to a registry. Insecure accepts any certificate.
func base(insecure bool) http.RoundTripper {
	t, ok := remote.DefaultTransport.(*http.Transport)
	if !ok || !insecure {
		return remote.DefaultTransport
	}
	t = t.Clone()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return t
}

// limited bounds manifests where they arrive.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(req)
	if err == nil && strings.Contains(req.URL.Path, "/manifests/") {
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: maxManifest}
	}
	return resp, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, limitError("manifest", maxManifest, "bytes")
	}
	return n, err
}

func (s *registryStore) document(ctx context.Context, d descriptor, limit int64) ([]byte, error) {
	s.mu.Lock()
	data, ok := s.have[d.Digest]
	s.mu.Unlock()
	if ok {
		return data, nil
	}
	if d.MediaType != ociConfig && d.MediaType != dockerConfig {
		got, err := s.puller.Get(ctx, s.repo.Digest(d.Digest))
		if err != nil {
			return nil, registryError(err)
		}
		return got.Manifest, nil
	}
	r, err := s.blob(d).open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readAll(r, limit, "config")
}

func (s *registryStore) blob(d descriptor) blob { return remoteBlob{s, d.Digest} }

// remoteBlob is a blob of a repository.
type remoteBlob struct {
	store  *registryStore
	digest string
}

func (b remoteBlob) open(ctx context.Context) (io.ReadCloser, error) {
	layer, err := b.store.puller.Layer(ctx, b.store.repo.Digest(b.digest))
	if err != nil {
		return nil, registryError(err)
	}
	r, err := layer.Compressed()
	if err != nil {
		return nil, registryError(err)
	}
	return r, nil
}

// registryError tells what a registry does not have by ErrNotFound.
func registryError(err error) error {
	var answer *transport.Error
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}
