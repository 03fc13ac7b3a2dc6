package dockerfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// The grammar of image references, from the comment of github.com/distribution/reference (reference.go): a domain
// component holds '.', ':' or an upper-case letter, or is "localhost".
var (
	domainForm = lazyregexp.New(`^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$`)
	remoteForm = lazyregexp.New(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`)
	identifier = lazyregexp.New(`^[a-f0-9]{64}$`)
)

// checkReference refuses what can be no image name, in BuildKit's words.
func checkReference(name string) error {
	if identifier.MatchString(name) {
		return fmt.Errorf("invalid repository name (%s), cannot specify 64-byte hexadecimal strings", name)
	}
	remote := name
	domain, rest, ok := strings.Cut(name, "/")
	if ok && (strings.ContainsAny(domain, ".:") || domain == "localhost" || strings.ToLower(domain) != domain) {
		if !domainForm.MatchString(domain) {
			return errors.New("invalid reference format")
		}
		remote = rest
	} else if !ok {
		remote = "library/" + name
	}
	repository, _, _ := strings.Cut(remote, "@")
	repository, _, _ = strings.Cut(repository, ":")
	if strings.ToLower(repository) != repository {
		return fmt.Errorf("invalid reference format: repository name (%s) must be lowercase", repository)
	}
	if !remoteForm.MatchString(remote) {
		return errors.New("invalid reference format")
	}
	return nil
}
