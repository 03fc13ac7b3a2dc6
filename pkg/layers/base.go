package layers

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// Base is the image that another was built from, as its builder says.
type Base struct {
	Name   string `json:"name,omitempty"`   // as the builder was given it, "HOST/NAME:TAG"
	Digest string `json:"digest,omitempty"` // "sha256:..."
	// Layers is how many of the image's first layers are the base's; 0 if that is not known.
	Layers int `json:"layers"`
}

// The annotations by which builders name a base. Source: OCI image-spec annotations.md; buildah and ko write them.
const (
	baseName   = "org.opencontainers.image.base.name"
	baseDigest = "org.opencontainers.image.base.digest"
)

// baseTime bounds the search for a base: it is worth a few requests and no waiting.
const baseTime = 5 * time.Second

// baseKind keeps the diffIDs of base images, as JSON, by digest and platform.
const baseKind cache.Kind = "bases"

// baseOf names the base of an image by its provenance, else by its annotations; nil if neither says.
func (f *found) baseOf() *Base {
	if p := f.provenance; p != nil && p.BaseLayers > 0 {
		name, digest, _ := strings.Cut(p.Base, "@")
		return &Base{Name: name, Digest: digest, Layers: p.BaseLayers}
	}
	b := &Base{Name: f.annotations[baseName], Digest: f.annotations[baseDigest]}
	if !digestForm.MatchString(b.Digest) {
		b.Digest = ""
	}
	if *b == (Base{}) || len(b.Name) > maxPath {
		return nil
	}
	return b
}

// neighbourhood is a store that has other images beside the one that was asked for.
type neighbourhood interface {
	// beside returns where another image is, false if it is not in the same place: nobody else is asked. An image that
	// the digest does not find is looked for by name: buildah writes a digest that its registry never saw.
	beside(ctx context.Context, b *Base) (store, descriptor, bool)
}

// findBase marks the layers that an image has from its base, if that is known or can be had from where the image comes
// from. An image whose base cannot be had is audited all the same: who made which layer is then told by its history alone.
func (f *found) findBase(ctx context.Context, img *Image, opt Options) {
	b := img.Base
	if b == nil {
		return
	}
	if b.Layers == 0 && b.Digest != "" {
		b.Layers = f.countBase(ctx, img, opt)
	}
	for i := range img.Layers[:b.Layers] {
		img.Layers[i].Base = true
	}
}

// countBase returns how many of the image's first layers are those of its base, 0 if they are not or cannot be had.
func (f *found) countBase(ctx context.Context, img *Image, opt Options) int {
	name := key(img.Base.Digest + " " + img.Platform.String())
	var diffIDs []string
	data, cached := opt.Cache.Get(baseKind, name)
	if !cached || json.Unmarshal(data, &diffIDs) != nil {
		diffIDs = f.baseLayers(ctx, img)
	}
	n := len(diffIDs)
	if n > len(img.Layers) || !slices.EqualFunc(img.Layers[:n], diffIDs, func(l Layer, id string) bool { return l.DiffID == id }) {
		return 0
	}
	if data, err := json.Marshal(diffIDs); err == nil && !cached && n > 0 {
		opt.Cache.Put(baseKind, name, data)
	}
	return n
}

// baseLayers returns the diffIDs of the base's layers, nil if they cannot be had.
func (f *found) baseLayers(ctx context.Context, img *Image) []string {
	near, ok := f.store.(neighbourhood)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, baseTime)
	defer cancel()
	s, from, ok := near.beside(ctx, img.Base)
	if !ok {
		return nil
	}
	list, err := descend(ctx, s, from, img.Platform.String())
	if err != nil || len(list) != 1 {
		return nil
	}
	c, err := parseConfig(list[0].config, len(list[0].layers))
	if err != nil {
		return nil
	}
	return c.RootFS.DiffIDs
}

// beside is the same registry, and the mirrors that stand for it.
func (s *registryStore) beside(ctx context.Context, b *Base) (store, descriptor, bool) {
	ref, err := parseReference(b.Name)
	if err != nil || ref.host != s.named.host {
		return nil, descriptor{}, false
	}
	for _, digest := range []string{b.Digest, ""} {
		ref.digest = digest
		other, err := newRegistryStore(ref, s.conf, s.net, s.cache)
		if err != nil {
			return nil, descriptor{}, false
		}
		if from, err := other.resolve(ctx); err == nil {
			return other, from, true
		}
	}
	return nil, descriptor{}, false
}

// beside is the same layout.
func (s layoutStore) beside(_ context.Context, b *Base) (store, descriptor, bool) {
	return s, descriptor{MediaType: ociManifest, Digest: b.Digest}, true
}
