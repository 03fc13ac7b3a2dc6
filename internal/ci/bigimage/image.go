package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// image is what has been written so far.
type image struct {
	dir                       string
	pool                      *pool
	layers                    []descriptor
	diffIDs                   []string
	history                   []map[string]any
	archive                   *tar.Writer
	archiveFile               *os.File
	names                     []string
	entries, packed, unpacked int
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// counted is a file that is hashed and counted while it is written.
type counted struct {
	*os.File
	sum hash.Hash
	n   int
}

func (c *counted) Write(p []byte) (int, error) {
	c.sum.Write(p)
	c.n += len(p)
	return c.File.Write(p)
}

func (c *counted) hex() string { return hex.EncodeToString(c.sum.Sum(nil)) }

func (img *image) create(name string) (*counted, error) {
	f, err := os.Create(filepath.Join(img.dir, name))
	return &counted{File: f, sum: sha256.New()}, err
}

// add writes one layer, packed into the layout and as it is into the archive.
func (img *image) add(l layer) error {
	plain, err := img.create("layer.tar")
	if err != nil {
		return err
	}
	defer os.Remove(plain.Name())
	defer plain.Close()
	packed, err := img.create("layer.packed")
	if err != nil {
		return err
	}
	defer packed.Close()
	z, kind, err := compress(packed, l.packing)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(io.MultiWriter(plain, z), 1<<20)
	w := &writer{tar: tar.NewWriter(out), pool: img.pool, dice: rand.New(rand.NewPCG(1, uint64(len(img.layers))))}
	l.write(w)
	w.check(w.tar.Close())
	w.check(out.Flush())
	w.check(z.Close())
	if w.err != nil {
		return w.err
	}
	if err := os.Rename(packed.Name(), filepath.Join(img.dir, "oci/blobs/sha256", packed.hex())); err != nil {
		return err
	}
	img.layers = append(img.layers, descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar" + kind, Digest: "sha256:" + packed.hex(), Size: packed.n})
	img.diffIDs = append(img.diffIDs, "sha256:"+plain.hex())
	img.history = append(img.history, map[string]any{"created": "2026-01-01T00:00:00Z", "created_by": l.step})
	img.entries, img.packed, img.unpacked = img.entries+w.entries, img.packed+packed.n, img.unpacked+plain.n
	return img.save(plain)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// compress gives the writer of a packing and the end of its media type.
func compress(w io.Writer, packing string) (io.WriteCloser, string, error) {
	switch packing {
	case "gzip":
		z, err := gzip.NewWriterLevel(w, 6)
		return z, "+gzip", err
	case "zstd":
		z, err := zstd.NewWriter(w)
		return z, "+zstd", err
	case "plain":
		return nopCloser{w}, "", nil
	}
	return nil, "", fmt.Errorf("unknown packing %q", packing)
}

// save appends a plain layer to the archive.
func (img *image) save(plain *counted) error {
	if img.archive == nil {
		f, err := os.Create(filepath.Join(img.dir, "big.docker.tar"))
		if err != nil {
			return err
		}
		img.archive, img.archiveFile = tar.NewWriter(f), f
	}
	if _, err := plain.Seek(0, io.SeekStart); err != nil {
		return err
	}
	name := plain.hex() + ".tar"
	img.names = append(img.names, name)
	return img.member(name, plain.File, plain.n)
}

func (img *image) member(name string, body io.Reader, size int) error {
	if err := img.archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(size), ModTime: stamp}); err != nil {
		return err
	}
	_, err := io.Copy(img.archive, body)
	return err
}
