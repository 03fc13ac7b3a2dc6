package layers

import (
	"context"
	"fmt"
	"io"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// documentKind is where the cache has the documents of registries, by digest: manifests, indexes, configs and statements of
// provenance. What is there has that digest, so that nobody needs to be asked for it again.
const documentKind cache.Kind = "documents"

// document returns a document that was seen before, else asks for it.
func (s *registryStore) document(ctx context.Context, d descriptor, limit int64) ([]byte, error) {
	if data, ok := s.known(d.Digest); ok && int64(len(data)) <= limit {
		return data, nil
	}
	if s.net.offline {
		return nil, s.missing()
	}
	data, err := s.ask(ctx, d, limit)
	if err == nil {
		s.know(d.Digest, data)
	}
	return data, err
}

// known gives a document that was seen before, in this run or an earlier one.
func (s *registryStore) known(digest string) ([]byte, bool) {
	s.mu.Lock()
	data, ok := s.have[digest]
	s.mu.Unlock()
	if ok {
		return data, true
	}
	data, ok = s.cache.Get(documentKind, key(digest))
	return data, ok && digestOf(data) == digest
}

// know remembers a document if it is the one that was promised.
func (s *registryStore) know(digest string, data []byte) {
	if digestOf(data) == digest {
		s.cache.Put(documentKind, key(digest), data)
	}
}

// ask fetches a document, unverified.
func (s *registryStore) ask(ctx context.Context, d descriptor, limit int64) ([]byte, error) {
	if !isManifest(d.MediaType) {
		r, err := s.blob(d).open(ctx)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return readAll(r, limit, "config")
	}
	var tried attempts
	for _, r := range s.from {
		data, _, err := r.manifest(ctx, d.Digest)
		if err == nil {
			return data, nil
		}
		tried.add(r, err)
	}
	return nil, tried.err()
}

// missing says of what a registry would be asked for that it may not be.
func (s *registryStore) missing() error {
	return fmt.Errorf("not in the cache, and asking %s: %w", s.named.host, ErrOffline)
}

// offlineBlob is a layer that nobody may ask for.
type offlineBlob struct{ store *registryStore }

func (b offlineBlob) open(context.Context) (io.ReadCloser, error) { return nil, b.store.missing() }
