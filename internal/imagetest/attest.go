package imagetest

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Attested lists an image and, beside it, a statement about it, as BuildKit stores attestations.
// Source: BuildKit docs/attestations/attestation-storage.md.
func Attested(t testing.TB, img v1.Image, predicateType string, statement []byte) v1.ImageIndex {
	t.Helper()
	about, err := img.Digest()
	must(t, err)
	attestation, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{
		Layer:       static.NewLayer(statement, "application/vnd.in-toto+json"),
		Annotations: map[string]string{"in-toto.io/predicate-type": predicateType},
	})
	must(t, err)
	return mutate.AppendManifests(Index(t, img), mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{
			"vnd.docker.reference.type":   "attestation-manifest",
			"vnd.docker.reference.digest": about.String(),
		},
	}})
}
