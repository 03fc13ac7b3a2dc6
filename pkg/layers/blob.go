package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// blob is the stored bytes of a layer, which can be had again and again.
type blob interface {
	open(ctx context.Context) (io.ReadCloser, error)
}

// diskBlob is a blob on disk, where any part of it can be read at once.
type diskBlob interface {
	blob
	// onDisk says where, as it is now.
	onDisk() (*fileBlob, error)
}

// fileBlob is a blob in a file on disk, or in a part of one.
type fileBlob struct {
	path   string
	offset int64
	size   int64
	was    fs.FileInfo // the file when it was first looked at; nil before
}

// errChanged is what reading says when a file was replaced since the image was read.
var errChanged = errors.New("the file changed since the image was read")

// section opens the blob for reads at any offset. The caller closes the file.
func (b *fileBlob) section() (*io.SectionReader, *os.File, error) {
	f, info, err := openRegular(b.path)
	if err != nil {
		return nil, nil, err
	}
	if b.was != nil && !(os.SameFile(b.was, info) && b.was.Size() == info.Size() && b.was.ModTime().Equal(info.ModTime())) {
		f.Close()
		return nil, nil, errChanged
	}
	if b.offset+b.size > info.Size() {
		f.Close()
		return nil, nil, io.ErrUnexpectedEOF
	}
	return io.NewSectionReader(f, b.offset, b.size), f, nil
}

func (b *fileBlob) open(context.Context) (io.ReadCloser, error) {
	r, f, err := b.section()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

func (b *fileBlob) onDisk() (*fileBlob, error) { return b, nil }

// missingBlob is a blob that is not there.
type missingBlob struct{ name string }

func (b missingBlob) open(context.Context) (io.ReadCloser, error) {
	return nil, fmt.Errorf("%w: %s", ErrNotFound, printable(b.name))
}

// openRegular opens a regular file: never a pipe, which would block, or a device.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, notFound(err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, notFound(err)
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// notFound lets callers tell a missing file with ErrNotFound.
func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// readAll reads a document of at most limit bytes.
func readAll(r io.Reader, limit int64, what string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, limitError(what, limit, "bytes")
	}
	return data, nil
}
