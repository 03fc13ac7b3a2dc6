package layers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"
)

// layoutStore is an OCI layout directory. Source: OCI image-spec image-layout.md.
type layoutStore struct{ dir string }

func (s layoutStore) blobFile(d descriptor) string {
	return filepath.Join(s.dir, "blobs", "sha256", strings.TrimPrefix(d.Digest, "sha256:"))
}

func (s layoutStore) document(_ context.Context, d descriptor, limit int64) ([]byte, error) {
	return readDocument(s.blobFile(d), limit)
}

func (s layoutStore) blob(d descriptor) blob { return &layoutBlob{path: s.blobFile(d)} }

// layoutBlob is a blob file whose size is not known before it is opened.
type layoutBlob struct{ path string }

// onDisk returns the blob as it is now.
func (b *layoutBlob) onDisk() (*fileBlob, error) {
	f, info, err := openRegular(b.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return &fileBlob{path: b.path, size: info.Size(), was: info}, nil
}

func (b *layoutBlob) open(ctx context.Context) (io.ReadCloser, error) {
	on, err := b.onDisk()
	if err != nil {
		return nil, err
	}
	return on.open(ctx)
}

func readDocument(path string, limit int64) ([]byte, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, limit, filepath.Base(path))
}

// findLayout finds the images of an OCI layout directory.
func findLayout(ctx context.Context, dir, tag, wish string) ([]*found, error) {
	data, err := readDocument(filepath.Join(dir, "index.json"), maxManifest)
	if err != nil {
		return nil, err
	}
	return findInLayout(ctx, layoutStore{dir}, data, tag, wish)
}

// Annotations that name the images of a layout: the specification's, and BuildKit's and containerd's.
const (
	refName   = "org.opencontainers.image.ref.name"
	imageName = "io.containerd.image.name"
)

// findInLayout finds what tag names ("" the only image, "sha256:..." by digest) in a layout's index.json.
func findInLayout(ctx context.Context, s store, index []byte, tag, wish string) ([]*found, error) {
	var doc document
	if err := json.Unmarshal(index, &doc); err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	if doc.Config != nil || len(doc.Layers) > 0 {
		return nil, errors.New("index.json: ambiguous document: both a manifest and an index")
	}
	if len(doc.Manifests) > maxListed {
		return nil, limitError("index.json", maxListed, "manifests")
	}
	var named []descriptor
	for _, d := range doc.Manifests {
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("index.json: %w", err)
		}
		if tag == "" && !d.attestation() || tag != "" && d.named(tag) {
			named = append(named, d)
		}
	}
	if tag != "" && len(named) == 0 && digestForm.MatchString(tag) {
		named = []descriptor{{Digest: tag}} // not listed, but perhaps stored
	}
	named = distinct(named)
	switch {
	case len(named) == 1:
		return descend(ctx, s, named[0], wish)
	case len(named) == 0 && tag != "":
		return nil, fmt.Errorf("%w: %s, there is %s", ErrNotFound, printable(tag), tagsOf(doc.Manifests))
	case len(named) == 0:
		return nil, fmt.Errorf("%w: index.json lists no image", ErrNotFound)
	case tag == "" && !onePerPlatform(named):
		return nil, fmt.Errorf("%w: name one of %s", errSeveral, tagsOf(named))
	}
	d := descent{store: s, wish: wish, seen: map[string]bool{}}
	return d.among(ctx, named)
}

// named tells whether a tag, a full name or a digest means this descriptor.
func (d *descriptor) named(tag string) bool {
	if d.Digest == tag || d.Annotations[refName] == tag || d.Annotations[imageName] == tag {
		return true
	}
	return strings.HasSuffix(d.Annotations[imageName], ":"+tag) || strings.HasSuffix(d.Annotations[refName], ":"+tag)
}

// onePerPlatform tells whether descriptors are one image for several platforms instead of several images.
func onePerPlatform(list []descriptor) bool {
	seen := map[string]bool{}
	for _, d := range list {
		if d.Platform == nil || seen[d.Platform.String()] || d.Annotations[refName] != list[0].Annotations[refName] {
			return false
		}
		seen[d.Platform.String()] = true
	}
	return true
}

// distinct drops descriptors of a digest that came before.
func distinct(list []descriptor) []descriptor {
	seen := map[string]bool{}
	var out []descriptor
	for _, d := range list {
		if !seen[d.Digest] {
			seen[d.Digest] = true
			out = append(out, d)
		}
	}
	return out
}

// tagsOf lists the names in a layout, for an error message.
func tagsOf(list []descriptor) string {
	var names []string
	for _, d := range list {
		switch {
		case d.attestation():
		case d.Annotations[refName] != "":
			names = append(names, printable(d.Annotations[refName]))
		default:
			names = append(names, d.Digest)
		}
	}
	return enumerate(names)
}

// enumerate joins names in order, the first twenty of them.
func enumerate(names []string) string {
	const most = 20
	sort.Strings(names)
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
