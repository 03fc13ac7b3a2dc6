package layers

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// reference is the name of an image in a registry.
type reference struct {
	host string // "registry.example:5000"
	repo string // "team/app"
	tag  string // "latest" if neither tag nor digest is written
	// digest is "" if none is written; it decides over the tag.
	digest string
}

// ErrUnqualified is a name that names no registry. Such names are never searched for: who asks several registries for
// one gets the image of whoever answers.
var ErrUnqualified = errors.New("it names no registry")

// What names are made of. Source: OCI distribution-spec, "Pulling manifests".
var (
	repoForm = lazyregexp.New(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagForm  = lazyregexp.New(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// parseReference reads HOST/REPOSITORY[:TAG][@DIGEST]. The first part is a host if it has a dot or a colon or is
// "localhost". Source: github.com/distribution/reference, normalize.go, splitDockerDomain.
func parseReference(s string) (reference, error) {
	var r reference
	rest, digest, pinned := strings.Cut(s, "@")
	if pinned {
		if !digestForm.MatchString(digest) {
			return r, fmt.Errorf("malformed or unsupported digest %.80q", digest)
		}
		r.digest = digest
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest, r.tag = rest[:i], rest[i+1:]
		if !tagForm.MatchString(r.tag) {
			return r, fmt.Errorf("%s is no image reference: malformed tag", printable(s))
		}
	} else if !pinned {
		r.tag = "latest"
	}
	host, repo, ok := strings.Cut(rest, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		if !repoForm.MatchString(rest) {
			return r, fmt.Errorf("%s is no image reference: want HOST/NAME[:TAG][@DIGEST]", printable(s))
		}
		return r, ErrUnqualified
	}
	if u, err := url.Parse("//" + host); err != nil || u.Host != host || u.User != nil {
		return r, fmt.Errorf("%s is no image reference: malformed host", printable(s))
	}
	if !repoForm.MatchString(repo) || len(repo) > 255 {
		return r, fmt.Errorf("%s is no image reference: malformed repository", printable(s))
	}
	r.host, r.repo = host, repo
	return r, nil
}

// identifier is what to ask the registry for.
func (r reference) identifier() string {
	if r.digest != "" {
		return r.digest
	}
	return r.tag
}

// String gives the reference as registries.conf matches it: host and repository, and the tag or digest behind.
func (r reference) String() string {
	s := r.host + "/" + r.repo
	if r.tag != "" {
		s += ":" + r.tag
	}
	if r.digest != "" {
		s += "@" + r.digest
	}
	return s
}

// registry is the registry behind the host: one is known by several names, and has a namespace of its own.
func (r reference) registry() (name.Registry, string, error) {
	reg, err := name.NewRegistry(r.host)
	if err != nil {
		return reg, "", err
	}
	return reg, reg.Repo(r.repo).RepositoryStr(), nil
}
