package layers

import (
	"context"
	"fmt"
)

// store is a place where documents and blobs are had by digest: a layout, an archive of one, a repository.
type store interface {
	// document returns the bytes of a manifest, index or config, at most limit, unverified.
	document(ctx context.Context, d descriptor, limit int64) ([]byte, error)
	// blob returns a layer; it need not exist.
	blob(d descriptor) blob
}

// found is an image as its source describes it: digests of manifest and config verified, layers not yet looked at.
type found struct {
	digest   string
	config   []byte
	layers   []stored
	platform *Platform // as the index has it, nil without one
	// provenance is what the builder says, nil if there is nothing.
	provenance  *Provenance
	annotations map[string]string // of the manifest
	store       store             // that the documents came from, nil for what has passed
	// left is what may be kept of the layers.
	left *budget
	// source is the kind that a stream turned out to be, "" for what the user named.
	source Kind
	// err is why one of several images could not be described; the others are.
	err error
}

// stored is one layer as the source describes it.
type stored struct {
	descriptor
	blob    blob
	because string // why it cannot be read, "" if it can be tried
}

// descent is the way from a descriptor to one image.
type descent struct {
	store store
	wish  string // platform, or AllPlatforms
	seen  map[string]bool
	// attestations are the statements about images that were met in indexes.
	attestations []descriptor
}

// Bounds of one descent.
const (
	maxIndexes   = 128 // documents fetched
	maxPlatforms = 32  // images of one index that are all read
)

// descend finds the images that a descriptor leads to, through indexes if need be: one, but for AllPlatforms.
func descend(ctx context.Context, s store, from descriptor, wish string) ([]*found, error) {
	d := descent{store: s, wish: wish, seen: map[string]bool{}}
	doc, err := d.fetch(ctx, from)
	if err != nil {
		return nil, err
	}
	if doc.isList() {
		return d.among(ctx, doc.Manifests)
	}
	f, err := d.image(ctx, from, doc)
	return []*found{f}, err
}

// among finds the image for the wished platform among the descriptors of an index, or all of its images.
func (d *descent) among(ctx context.Context, listed []descriptor) ([]*found, error) {
	candidates, err := d.flatten(ctx, listed, 1)
	if err != nil {
		return nil, err
	}
	if d.wish == AllPlatforms {
		return d.all(ctx, candidates)
	}
	chosen, err := choose(candidates, d.wish)
	if err != nil {
		return nil, err
	}
	f, err := d.one(ctx, chosen)
	return []*found{f}, err
}

// all describes every image of an index, in its order. One that cannot be described says so and hides no other.
func (d *descent) all(ctx context.Context, candidates []descriptor) ([]*found, error) {
	candidates = distinct(candidates)
	switch {
	case len(candidates) == 0:
		return nil, fmt.Errorf("%w: the index lists no image", ErrPlatform)
	case len(candidates) > maxPlatforms:
		return nil, limitError("platform all", maxPlatforms, "images")
	}
	var list []*found
	for _, c := range candidates {
		f, err := d.one(ctx, c)
		if err != nil {
			f = &found{digest: c.Digest, platform: c.Platform, err: fmt.Errorf("image for %s: %w", listed([]descriptor{c}), err)}
		}
		list = append(list, f)
	}
	return list, context.Cause(ctx)
}

// one describes an image that an index lists.
func (d *descent) one(ctx context.Context, chosen descriptor) (*found, error) {
	doc, err := d.fetch(ctx, chosen)
	if err != nil {
		return nil, err
	}
	if doc.isList() {
		return nil, fmt.Errorf("%s is an index under the media type of a manifest", chosen.Digest)
	}
	f, err := d.image(ctx, chosen, doc)
	if err != nil {
		return nil, err
	}
	f.provenance = d.provenance(ctx, chosen.Digest, doc.Layers)
	return f, nil
}

// flatten lists the images of an index and of the indexes in it; attestations are left out.
func (d *descent) flatten(ctx context.Context, listed []descriptor, depth int) ([]descriptor, error) {
	var images []descriptor
	for _, desc := range listed {
		switch {
		case desc.attestation():
			d.attestations = append(d.attestations, desc)
		case d.seen[desc.Digest]:
		case !isIndex(desc.MediaType):
			images = append(images, desc)
		case depth == maxDepth:
			return nil, limitError("nested indexes", maxDepth, "levels")
		default:
			doc, err := d.fetch(ctx, desc)
			if err != nil {
				return nil, err
			}
			more, err := d.flatten(ctx, doc.Manifests, depth+1)
			if err != nil {
				return nil, err
			}
			images = append(images, more...)
		}
		if len(images) > maxListed {
			return nil, limitError("nested indexes", maxListed, "manifests")
		}
	}
	return images, nil
}

// fetch reads and verifies a manifest or index.
func (d *descent) fetch(ctx context.Context, desc descriptor) (*document, error) {
	if d.seen[desc.Digest] = true; len(d.seen) > maxIndexes {
		return nil, limitError("nested indexes", maxIndexes, "indexes")
	}
	data, err := d.store.document(ctx, desc, maxManifest)
	if err == nil {
		err = verify(digestOf(data), desc.Digest)
	}
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", desc.Digest, err)
	}
	doc, err := parseDocument(data)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", desc.Digest, err)
	}
	if doc.isList() && len(doc.Manifests) == 0 {
		return nil, fmt.Errorf("manifest %s: an empty index: %w", desc.Digest, ErrPlatform)
	}
	return doc, nil
}

// image describes the image of a manifest.
func (d *descent) image(ctx context.Context, desc descriptor, doc *document) (*found, error) {
	if t := doc.Config.MediaType; t != ociConfig && t != dockerConfig {
		return nil, fmt.Errorf("manifest %s: an artifact with a config of type %.80q: %w", desc.Digest, t, ErrNotImage)
	}
	config, err := d.store.document(ctx, *doc.Config, maxConfig)
	if err == nil {
		err = verify(digestOf(config), doc.Config.Digest)
	}
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", doc.Config.Digest, err)
	}
	f := &found{digest: desc.Digest, config: config, platform: desc.Platform, annotations: doc.Annotations, store: d.store}
	for _, layer := range doc.Layers {
		f.layers = append(f.layers, stored{descriptor: layer, blob: d.store.blob(layer), because: layerKind(layer.MediaType)})
	}
	return f, nil
}
