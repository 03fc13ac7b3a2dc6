// Command floor does what no reader of a container image can leave out, and nothing else: it fetches every layer, unpacks
// it, computes both SHA-256 sums and walks the tar headers, two layers at a time, the biggest first. The time it takes
// is the floor under imgaudit's, measured in the same run.
//
//	floor http://HOST/REPO:TAG | DIRECTORY | FILE.tar
//
// A directory is an OCI layout, a file a docker-archive of uncompressed layers, whose headers are read by seeking.
// It trusts what it reads: it is for images of our own making only.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: floor http://HOST/REPO:TAG | DIRECTORY | FILE.tar")
		os.Exit(2)
	}
	entries, size, err := walk(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(3)
	}
	fmt.Printf("%d entries, %d bytes\n", entries, size)
}

// layer is one layer to read.
type layer struct {
	Digest string `json:"digest"` // of the stored bytes, "" if not known
	Size   int64  `json:"size"`
	open   func() (io.ReadCloser, error)
}

// walk reads the layers of an image, two at a time.
func walk(from string) (entries int, size int64, err error) {
	layers, err := find(from)
	if err != nil {
		return 0, 0, err
	}
	sort.SliceStable(layers, func(i, j int) bool { return layers[i].Size > layers[j].Size })
	todo := make(chan layer)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for l := range todo {
				n, bytes, readErr := l.read()
				mu.Lock()
				entries, size, err = entries+n, size+bytes, errors.Join(err, readErr)
				mu.Unlock()
			}
		})
	}
	for _, l := range layers {
		todo <- l
	}
	close(todo)
	wg.Wait()
	return entries, size, err
}

// read reads one layer as a stream, or by seeking if it is a plain tar on disk.
func (l layer) read() (entries int, size int64, err error) {
	raw, err := l.open()
	if err != nil {
		return 0, 0, err
	}
	defer raw.Close()
	if s, ok := raw.(section); ok {
		return s.read()
	}
	stored, unpacked := sha256.New(), sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(raw, stored), 256<<10)
	z, err := decompress(in)
	if err != nil {
		return 0, 0, err
	}
	defer z.Close()
	tape := io.TeeReader(z, unpacked)
	if entries, err = headers(tape); err != nil {
		return 0, 0, err
	}
	for _, rest := range []io.Reader{tape, in} {
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return 0, 0, err
		}
	}
	if got := "sha256:" + hex.EncodeToString(stored.Sum(nil)); got != l.Digest {
		return 0, 0, fmt.Errorf("%s has the digest %s", l.Digest, got)
	}
	return entries, l.Size, nil
}

func decompress(in *bufio.Reader) (io.ReadCloser, error) {
	head, err := in.Peek(4)
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(in), nil
}

// headers walks a tar.
func headers(r io.Reader) (entries int, err error) {
	for tr := tar.NewReader(r); ; entries++ {
		if _, err := tr.Next(); err == io.EOF {
			return entries, nil
		} else if err != nil {
			return entries, err
		}
	}
}

// section is a plain tar in a file on disk.
type section struct {
	*io.SectionReader
	io.Closer
}

// read walks the headers by seeking while the sum is computed beside it.
func (s section) read() (entries int, size int64, err error) {
	hashed := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{sha256.New()}, io.NewSectionReader(s, 0, s.Size()), make([]byte, 256<<10))
		hashed <- err
	}()
	entries, err = headers(s.SectionReader)
	return entries, s.Size(), errors.Join(err, <-hashed)
}

// find lists the layers of an image.
func find(from string) ([]layer, error) {
	if strings.HasPrefix(from, "http://") {
		return findRemote(from)
	}
	if info, err := os.Stat(from); err != nil || info.IsDir() {
		return findLayout(from)
	}
	return findArchive(from)
}

// document reads a JSON document.
func document(open func() (io.ReadCloser, error), into any) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	return json.NewDecoder(r).Decode(into)
}

// listing is a manifest or an index.
type listing struct {
	Layers    []layer `json:"layers"`
	Manifests []layer `json:"manifests"`
}

// first follows the first entry of each index to a manifest.
func first(l listing, blob func(kind, digest string) func() (io.ReadCloser, error)) ([]layer, error) {
	for len(l.Manifests) > 0 {
		next := listing{}
		if err := document(blob("manifests", l.Manifests[0].Digest), &next); err != nil {
			return nil, err
		}
		l = next
	}
	for i := range l.Layers {
		l.Layers[i].open = blob("blobs", l.Layers[i].Digest)
	}
	return l.Layers, nil
}

func findLayout(dir string) ([]layer, error) {
	file := func(name string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) }
	}
	var l listing
	if err := document(file("index.json"), &l); err != nil {
		return nil, err
	}
	return first(l, func(_, digest string) func() (io.ReadCloser, error) {
		return file("blobs/sha256/" + strings.TrimPrefix(digest, "sha256:"))
	})
}
