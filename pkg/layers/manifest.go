package layers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// descriptor points at a document or blob. Source: OCI image-spec descriptor.md.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
	Platform    *Platform         `json:"platform"`
}

// document is a manifest or an index, whichever it turns out to be.
// Sources: OCI image-spec manifest.md, image-index.md; Docker's "image manifest v2, schema 2".
type document struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        *descriptor  `json:"config"`
	Layers        []descriptor `json:"layers"`
	Manifests     []descriptor `json:"manifests"`

	Annotations map[string]string `json:"annotations"`
}

const (
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

func isIndex(mediaType string) bool { return mediaType == ociIndex || mediaType == dockerIndex }

// parseDocument reads a manifest or index. A document that could be taken for both is refused, so that nobody else
// can run a different image than was audited (CVE-2021-41190); so is one whose own media type contradicts it.
func parseDocument(data []byte) (*document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, err
	}
	isList := len(d.Manifests) > 0 || isIndex(d.MediaType)
	isImage := d.Config != nil || len(d.Layers) > 0 || d.MediaType == ociManifest || d.MediaType == dockerManifest
	switch {
	case d.SchemaVersion == 1:
		return nil, fmt.Errorf("manifest of schema version 1: %w", ErrNotImage)
	case isList && isImage:
		return nil, errors.New("ambiguous document: both a manifest and an index")
	case !isList && d.Config == nil:
		return nil, fmt.Errorf("neither manifest nor index: %w", ErrNotImage)
	case len(d.Layers) > maxLayers:
		return nil, limitError("manifest", maxLayers, "layers")
	case len(d.Manifests) > maxListed:
		return nil, limitError("index", maxListed, "manifests")
	}
	all := append(append([]descriptor{}, d.Layers...), d.Manifests...)
	if d.Config != nil {
		all = append(all, *d.Config)
	}
	for _, desc := range all {
		if err := desc.check(); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

// isList tells an index from a manifest.
func (d *document) isList() bool { return d.Config == nil }

var digestForm = lazyregexp.New(`^sha256:[a-f0-9]{64}$`)

func (d *descriptor) check() error {
	if !digestForm.MatchString(d.Digest) {
		return fmt.Errorf("malformed or unsupported digest %.80q", d.Digest)
	}
	if d.Size < 0 {
		return fmt.Errorf("%s: negative size %d", d.Digest, d.Size)
	}
	return nil
}

// attestation tells whether a descriptor of an index is a statement about an image instead of an image.
// Source: BuildKit docs/attestations/attestation-storage.md.
func (d *descriptor) attestation() bool {
	if d.Annotations["vnd.docker.reference.type"] != "" {
		return true
	}
	return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// layerKind says why a layer of some media type cannot be read, "" if it can.
func layerKind(mediaType string) (because string) {
	switch {
	case strings.Contains(mediaType, ".foreign.") || strings.Contains(mediaType, ".nondistributable."):
		return "a foreign layer, which is never fetched"
	case strings.HasSuffix(mediaType, "+encrypted"):
		return "an encrypted layer"
	case mediaType == "" || strings.Contains(mediaType, ".tar"):
		return ""
	}
	return fmt.Sprintf("a layer of the unknown media type %.80q", mediaType)
}

// digestOf is the digest of some bytes.
func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// verify compares a digest with the one that was promised.
func verify(got, want string) error {
	if got != want {
		return fmt.Errorf("%w: want %s, got %s", ErrDigest, want, got)
	}
	return nil
}
