package layers

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// readInPlace reads an uncompressed layer on disk: headers by seeking from one to the next, while another goroutine
// computes the digest. Nothing is kept; files are read from where they are.
func readInPlace(ctx context.Context, b *fileBlob, left *budget) (*facts, error) {
	in, file, err := b.section()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := left.unpack(b.size); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hashed := make(chan error, 1)
	f := &facts{size: b.size, tarSize: b.size}
	go func() {
		sum := sha256.New()
		_, err := io.CopyBuffer(struct{ io.Writer }{sum}, &patient{ctx, io.NewSectionReader(file, b.offset, b.size)}, make([]byte, 256<<10))
		f.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
		hashed <- err
	}()
	err = f.listInPlace(ctx, b, in, left)
	if err != nil {
		cancel()
	}
	if hashErr := <-hashed; err == nil {
		err = hashErr
	}
	if err != nil {
		return nil, err
	}
	f.diffID = f.digest
	return f, nil
}

// listInPlace reads the entries of a tar on disk.
func (f *facts) listInPlace(ctx context.Context, b *fileBlob, in *io.SectionReader, left *budget) error {
	tr := tar.NewReader(in)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return tarError(err)
		}
		if err := left.entry(&f.entries); err != nil {
			return err
		}
		if f.entries%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		it, ok, err := itemOf(h)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if it.entry.Mode.IsRegular() && it.hardlink == "" {
			offset, err := in.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			if err := it.place(tr, h, b, in, offset); err != nil {
				return err
			}
		}
		if err := f.add(h.Name, it); err != nil {
			return err
		}
	}
}

// place notes where the contents of a regular file are.
func (it *item) place(tr *tar.Reader, h *tar.Header, b *fileBlob, in io.ReaderAt, offset int64) error {
	if sparse(h) {
		if h.Size > smallFile {
			it.content = unavailable{errSparse}
			return nil
		}
		data := make([]byte, h.Size)
		_, err := io.ReadFull(tr, data)
		it.content = held(data)
		return err
	}
	if offset+h.Size > b.size {
		return io.ErrUnexpectedEOF
	}
	var head [len(elfMagic)]byte
	if h.Size >= int64(len(head)) {
		if _, err := in.ReadAt(head[:], offset); err != nil {
			return err
		}
	}
	it.entry.ELF = string(head[:]) == elfMagic
	it.content = &placed{blob: b, offset: offset}
	return nil
}

// placed is content at an offset of a tar on disk.
type placed struct {
	blob   *fileBlob
	offset int64
}

func (p *placed) open(size int64) (readAtCloser, error) {
	part := fileBlob{path: p.blob.path, offset: p.blob.offset + p.offset, size: size, was: p.blob.was}
	r, f, err := part.section()
	if err != nil {
		return nil, err
	}
	return onDisk{r, f}, nil
}

// onDisk is an open file whose bytes are part of a file on disk.
type onDisk struct {
	io.ReaderAt
	file *os.File
}

func (d onDisk) Close() error { return d.file.Close() }

// patient is a reader that gives up with its context.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}
