package layers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
)

// ociLayer is the media type of a layer that is stored as it is, without compression.
const ociLayer = "application/vnd.oci.image.layer.v1.tar"

// writtenDescriptor, writtenIndex and writtenManifest are what is written of an OCI layout.
type writtenDescriptor struct {
	MediaType string    `json:"mediaType"`
	Digest    string    `json:"digest"`
	Size      int64     `json:"size"`
	Platform  *Platform `json:"platform,omitempty"`
}

type writtenIndex struct {
	SchemaVersion int                 `json:"schemaVersion"`
	MediaType     string              `json:"mediaType"`
	Manifests     []writtenDescriptor `json:"manifests"`
}

type writtenManifest struct {
	SchemaVersion int                 `json:"schemaVersion"`
	MediaType     string              `json:"mediaType"`
	Config        writtenDescriptor   `json:"config"`
	Layers        []writtenDescriptor `json:"layers"`
}

// newManifest makes the manifest of an image of a docker-archive, which has none: its layers are plain tars, whose digests
// are the diffIDs.
func (f *found) newManifest(ctx context.Context, img *Image) ([]byte, error) {
	m := writtenManifest{SchemaVersion: 2, MediaType: ociManifest, Layers: []writtenDescriptor{},
		Config: writtenDescriptor{MediaType: ociConfig, Digest: digestOf(f.config), Size: int64(len(f.config))}}
	for i := range f.layers {
		size, err := f.layers[i].plainSize(ctx)
		if err != nil {
			return nil, err
		}
		m.Layers = append(m.Layers, writtenDescriptor{MediaType: ociLayer, Digest: img.Layers[i].DiffID, Size: size})
	}
	return json.Marshal(m)
}

// plainSize is how many bytes the tar of a layer of a docker-archive has. One that is packed, which only other programs
// than docker write, is unpacked to know it.
func (s *stored) plainSize(ctx context.Context) (int64, error) {
	if d, ok := s.blob.(diskBlob); ok {
		b, err := d.onDisk()
		if err != nil {
			return 0, err
		}
		head, err := b.head()
		if err != nil {
			return 0, err
		}
		if compressionOf(head) == plain {
			return b.size, nil
		}
	}
	in, err := s.unpacked(ctx)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return io.Copy(io.Discard, &patient{ctx, in, func(int64) {}})
}

// open opens the bytes of a layer as its descriptor in the written manifest means them.
func (s *stored) open(ctx context.Context, d descriptor) (io.ReadCloser, error) {
	if s.MediaType == dockerLayer && d.MediaType == ociLayer { // of a docker-archive
		return s.unpacked(ctx)
	}
	return s.blob.open(ctx)
}

// unpacked opens the tar of a layer, which may be packed; implausibly much of it is an error.
func (s *stored) unpacked(ctx context.Context) (io.ReadCloser, error) {
	raw, err := s.blob.open(ctx)
	if err != nil {
		return nil, err
	}
	in := &counted{Reader: raw}
	z, _, err := decompress(in)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return &both{Reader: &counted{Reader: z, from: in}, closers: []io.Closer{z, raw}}, nil
}

// both is a reader that closes all it reads from.
type both struct {
	io.Reader
	closers []io.Closer
}

func (b *both) Close() error {
	var err error
	for _, c := range b.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// checked hashes what is read through it.
type checked struct {
	r   io.Reader
	sum hash.Hash
}

func newChecked(r io.Reader) *checked { return &checked{r, sha256.New()} }

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	return n, err
}

func (c *checked) digest() string { return "sha256:" + hex.EncodeToString(c.sum.Sum(nil)) }
