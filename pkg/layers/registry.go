package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// registryStore is the places where an image of a registry can be had: its mirrors and the registry itself.
type registryStore struct {
	named reference     // what the user named
	from  []*repository // in the order in which they are asked
	conf  *registriesConf
	net   *network
	cache *cache.Store // nil without one
	mu    sync.Mutex
	have  map[string][]byte // the document a reference led to, by digest, so that it is fetched once
}

// findInRegistry finds where a reference leads. Layers are only ever fetched from the repositories that the user's
// reference and registries.conf name, never from the addresses a manifest lists.
func findInRegistry(ctx context.Context, written string, opt Options) (store, descriptor, error) {
	env := processEnvironment()
	conf, err := loadRegistriesConf(env)
	if err != nil {
		return nil, descriptor{}, err
	}
	ref, err := parseReference(written)
	if errors.Is(err, ErrUnqualified) {
		return nil, descriptor{}, unqualified(written, conf)
	}
	if err != nil {
		return nil, descriptor{}, err
	}
	if opt.Offline && ref.digest == "" {
		return nil, descriptor{}, fmt.Errorf("asking %s: %w (only an image named by digest, HOST/NAME@sha256:..., can be had from the cache)", ref.host, ErrOffline)
	}
	s, err := newRegistryStore(ref, conf, newNetwork(env, opt), opt.Cache)
	if err != nil {
		return nil, descriptor{}, err
	}
	if opt.Offline {
		return s, descriptor{Digest: ref.digest}, nil
	}
	from, err := s.resolve(ctx)
	return s, from, err
}

// newRegistryStore knows where to ask for an image, and asks nobody yet.
func newRegistryStore(ref reference, conf *registriesConf, net *network, store *cache.Store) (*registryStore, error) {
	places, err := conf.places(ref)
	if err != nil {
		return nil, err
	}
	s := &registryStore{named: ref, conf: conf, net: net, cache: store, have: map[string][]byte{}}
	for _, p := range places {
		s.from = append(s.from, &repository{place: p, net: net})
		if p.insecure {
			net.trust(p.ref.host)
		}
	}
	return s, nil
}

// unqualified says what to write instead of a name without a registry.
func unqualified(written string, conf *registriesConf) error {
	more := ""
	if len(conf.Search) > 0 {
		more = "; registries.conf would search " + enumerate(append([]string{}, conf.Search...)) + ", which is never done here"
	}
	return fmt.Errorf("%w: write HOST/%s, or docker:%[2]s or podman:%[2]s for an image of a local engine%s", ErrUnqualified, written, more)
}

// resolve asks the places in turn for what the reference names. The one that has it is asked first from then on.
func (s *registryStore) resolve(ctx context.Context) (descriptor, error) {
	var tried attempts
	for i, r := range s.from {
		data, d, err := r.manifest(ctx, r.ref.identifier())
		if err != nil {
			tried.add(r, err)
			if context.Cause(ctx) != nil {
				break
			}
			continue
		}
		s.have[d.Digest] = data
		s.know(d.Digest, data)
		s.from[0], s.from[i] = s.from[i], s.from[0]
		return d, nil
	}
	return descriptor{}, tried.err()
}

func (s *registryStore) blob(d descriptor) blob {
	if s.net.offline {
		return offlineBlob{s}
	}
	return remoteBlob{s, d}
}

// remoteBlob is a blob of a registry.
type remoteBlob struct {
	store *registryStore
	descriptor
}

func (b remoteBlob) open(ctx context.Context) (io.ReadCloser, error) {
	d := &download{ctx: ctx, from: b.store.from, what: b.descriptor, left: maxResumed}
	if err := d.connect(); err != nil {
		return nil, err
	}
	return d, nil
}

// attempts are the places that were asked in vain, each with its reason.
type attempts struct {
	lines []string
	errs  []error
}

func (a *attempts) add(r *repository, err error) {
	kind := ""
	if r.mirror {
		kind = "mirror "
	}
	a.lines = append(a.lines, kind+r.ref.host+": "+err.Error())
	a.errs = append(a.errs, err)
}

// err is one error for all of them, on one line.
func (a *attempts) err() error {
	return &triedError{text: strings.Join(a.lines, "; "), errs: a.errs}
}

// triedError is that none of several places had what was asked for. It is ErrNotFound if all of them answered so.
type triedError struct {
	text string
	errs []error
}

func (e *triedError) Error() string { return e.text }

func (e *triedError) Is(target error) bool {
	matching := 0
	for _, err := range e.errs {
		if errors.Is(err, target) {
			matching++
		}
	}
	return matching > 0 && (target != ErrNotFound || matching == len(e.errs))
}
