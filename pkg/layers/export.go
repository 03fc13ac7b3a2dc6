package layers

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Export writes one image, that of opt's platform, as an OCI layout in a tar file, whichever kind of source it comes from,
// and returns the digest of its manifest. Blobs are written as they are stored, so that an image of a registry or of an
// OCI layout keeps its digest; a docker-archive stores no manifest, so that one is made, and its layers become plain tars
// under their diffIDs. What stands beside the image, as attestations do, is left out.
//
// Every blob is checked against the digest that leads to it. That a stored layer unpacks to what the config promises is
// not looked at here: who reads the file sees that. No blob is held in memory; what comes through a pipe is laid beside
// file until the image is written. There is a file only if there is no error.
func Export(ctx context.Context, kind Kind, name string, opt Options, file string) (digest string, err error) {
	f, short, done, err := still(ctx, kind, name, opt, filepath.Dir(file))
	defer done()
	if err == nil {
		digest, err = f.export(ctx, kind, name, opt, file)
	}
	if err != nil {
		return "", fmt.Errorf("exporting %s: %w", short, err)
	}
	return digest, nil
}

// export writes an image whose blobs can be opened one after the other.
func (f *found) export(ctx context.Context, kind Kind, name string, opt Options, file string) (digest string, err error) {
	img, err := f.describe(kind, name, opt)
	if err != nil {
		return "", err
	}
	manifest, doc, err := f.exported(ctx, img)
	if err != nil {
		return "", err
	}
	for i, s := range f.layers {
		if s.because != "" {
			return "", fmt.Errorf("layer %d: %s", i, s.because)
		}
	}
	if err := doc.bounded(); err != nil {
		return "", err
	}
	out, err := os.CreateTemp(filepath.Dir(file), "export-*.tar")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name()) // nothing is there once it has its name
	defer out.Close()
	w := &layoutWriter{tar: tar.NewWriter(out), written: map[string]bool{}}
	digest = digestOf(manifest)
	if err := w.documents(doc, digest, manifest, f.config, img.Platform); err != nil {
		return "", err
	}
	progress := &reporter{call: opt.Progress}
	progress.report(Progress{Phase: PhaseFind, Total: len(f.layers), Done: true})
	for i := range f.layers {
		if err := w.layer(ctx, &f.layers[i], doc.Layers[i], Progress{Phase: PhaseLayer, Layer: img.Layers[i], Total: len(f.layers)}, progress); err != nil {
			return "", fmt.Errorf("layer %d: %w", i, err)
		}
	}
	if err := w.tar.Close(); err != nil {
		return "", err
	}
	if err := out.Close(); err != nil {
		return "", err
	}
	return digest, os.Rename(out.Name(), file)
}

// exported is the manifest of an image: the one that its source has, or for a docker-archive a new one.
func (f *found) exported(ctx context.Context, img *Image) ([]byte, *document, error) {
	var manifest []byte
	var err error
	if f.store == nil {
		manifest, err = f.newManifest(ctx, img)
	} else {
		manifest, err = f.store.document(ctx, descriptor{Digest: f.digest, MediaType: ociManifest}, maxManifest)
		if err == nil {
			err = verify(digestOf(manifest), f.digest)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("manifest: %w", err)
	}
	doc, err := parseDocument(manifest)
	if err != nil {
		return nil, nil, fmt.Errorf("manifest: %w", err)
	}
	return manifest, doc, nil
}

// bounded refuses a manifest that promises more than an image may have.
func (d *document) bounded() error {
	left := int64(maxImageSize)
	for _, l := range d.Layers {
		if left -= l.Size; left < 0 {
			return limitError("layers", maxImageSize, "bytes")
		}
	}
	return nil
}

// layoutWriter writes an OCI layout, each blob once. Source: OCI image-spec image-layout.md.
type layoutWriter struct {
	tar     *tar.Writer
	written map[string]bool // digests
}

// documents writes all that is not a layer, first, so that a reader need not go through the layers to find it.
func (w *layoutWriter) documents(doc *document, digest string, manifest, config []byte, p Platform) error {
	d := writtenDescriptor{MediaType: doc.mediaType(), Digest: digest, Size: int64(len(manifest))}
	if p.OS != "" && p.Architecture != "" {
		d.Platform = &p
	}
	index, err := json.Marshal(writtenIndex{SchemaVersion: 2, MediaType: ociIndex, Manifests: []writtenDescriptor{d}})
	if err != nil {
		return err
	}
	for _, m := range []struct {
		name string
		data []byte
	}{{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {"index.json", index}, {blobName(descriptor{Digest: digest}), manifest}, {blobName(*doc.Config), config}} {
		if err := w.header(m.name, int64(len(m.data))); err != nil {
			return err
		}
		if _, err := w.tar.Write(m.data); err != nil {
			return err
		}
	}
	w.written[digest], w.written[doc.Config.Digest] = true, true
	return nil
}

// mediaType is what a manifest is. One that does not say is told by its config.
func (d *document) mediaType() string {
	switch {
	case d.MediaType != "":
		return d.MediaType
	case d.Config.MediaType == dockerConfig:
		return dockerManifest
	}
	return ociManifest
}

func (w *layoutWriter) header(name string, size int64) error {
	return w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size, ModTime: time.Unix(0, 0)})
}

// layer writes a layer, or fails when it is not what its descriptor says.
func (w *layoutWriter) layer(ctx context.Context, s *stored, d descriptor, p Progress, to *reporter) error {
	start := time.Now()
	if !w.written[d.Digest] {
		w.written[d.Digest] = true
		o := newOrigin()
		o.counter = &counter{reporter: to, next: start, progress: p}
		if err := w.blob(ctx, s, d, o); err != nil {
			return err
		}
		p = o.counter.progress
	}
	p.Done, p.Took = true, time.Since(start)
	to.report(p)
	return nil
}

func (w *layoutWriter) blob(ctx context.Context, s *stored, d descriptor, o *origin) error {
	in, err := s.open(ctx, d)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := w.header(blobName(d), d.Size); err != nil {
		return err
	}
	checked := newChecked(&patient{ctx, in, o.count})
	n, err := io.CopyBuffer(struct{ io.Writer }{w.tar}, io.LimitReader(checked, d.Size), make([]byte, 256<<10))
	if err == nil && n < d.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if more, _ := io.ReadFull(in, make([]byte, 1)); more > 0 {
		return fmt.Errorf("more than the promised %d bytes", d.Size)
	}
	return verify(checked.digest(), d.Digest)
}
