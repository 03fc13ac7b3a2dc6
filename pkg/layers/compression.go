package layers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

type compression string

const (
	plain     compression = ""
	gzipped   compression = "gzip"
	zstandard compression = "zstd"
)

// compressionOf tells by the first bytes; the media type is not believed, as containerd does not.
// Sources: RFC 1952, RFC 8878 (a frame, or a skippable frame as zstd:chunked has them).
func compressionOf(head []byte) compression {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstandard
	case len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return zstandard
	}
	return plain
}

// decompress gives the tar in a stored layer. The caller closes.
func decompress(r io.Reader) (io.ReadCloser, compression, error) {
	return decompressWithin(r, maxWindow)
}

// errWindow is what reading a zstd frame says that asks for a larger window than it is given.
var errWindow = zstd.ErrWindowSizeExceeded

// decompressWithin is decompress with a bound for the memory that a zstd frame may ask for.
func decompressWithin(r io.Reader, window uint64) (io.ReadCloser, compression, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, plain, err
	}
	switch compressionOf(head) {
	case gzipped:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, gzipped, fmt.Errorf("gzip: %w", err)
		}
		return z, gzipped, nil
	case zstandard:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, zstandard, fmt.Errorf("zstd: %w", err)
		}
		return z.IOReadCloser(), zstandard, nil
	}
	return io.NopCloser(in), plain, nil
}

// wideFrame tells whether a layer begins with a zstd frame that takes much memory to unpack.
func wideFrame(head []byte) bool {
	var h zstd.Header
	return h.Decode(head) == nil && h.WindowSize > usualWindow
}
