package layers

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// readInPlace reads an uncompressed layer on disk: headers by seeking from one to the next, while another goroutine
// computes the digest. Nothing is kept; files are read from where they are.
func readInPlace(ctx context.Context, b *fileBlob, left *budget, from *origin) (*facts, error) {
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
	from.disk = b
	go func() {
		sum := sha256.New()
		_, err := io.CopyBuffer(struct{ io.Writer }{sum}, &patient{ctx, io.NewSectionReader(file, b.offset, b.size), from.count}, make([]byte, 256<<10))
		f.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
		hashed <- err
	}()
	err = f.listInPlace(ctx, b, in, left, from)
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
func (f *facts) listInPlace(ctx context.Context, b *fileBlob, file io.ReaderAt, left *budget, from *origin) error {
	in := newWindow(file, b.size)
	return f.list(ctx, in, left, from, func() int64 { return in.at }, func(it *item, h *tar.Header, tr *tar.Reader, offset int64) error {
		return it.place(tr, h, b, in, offset, left, &f.search)
	})
}

// errSparse is what reading a sparse file says: its bytes are not stored one after the other.
var errSparse = errors.New("a sparse file too big to be kept")

// place notes where the contents of a regular file are.
func (it *item) place(tr *tar.Reader, h *tar.Header, b *fileBlob, in *window, offset int64, left *budget, search *searcher) (err error) {
	if h.Size == 0 {
		it.content = held(nil)
		return nil
	}
	if sparse(h) {
		if h.Size > smallFile || !left.keeps(h) {
			head := make([]byte, min(h.Size, int64(len(elfMagic))))
			_, err = io.ReadFull(tr, head)
			it.entry.ELF, it.content = string(head) == elfMagic, unavailable{errSparse}
			return err
		}
		data := make([]byte, h.Size)
		_, err = io.ReadFull(tr, data)
		it.content = held(data)
		it.note(search.whole(h.Name, data))
		return err
	}
	if h.Size > b.size-offset {
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
	if !it.entry.ELF && h.Size > 0 {
		var finds []sighting
		finds, err = search.stream(h.Name, nil, h.Size, io.NewSectionReader(in, offset, h.Size), io.Discard)
		it.note(finds)
	}
	return err
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
	ctx   context.Context
	r     io.Reader
	count func(int64) // of what was read
}

func (p *patient) Read(b []byte) (int, error) {
	if err := context.Cause(p.ctx); err != nil {
		return 0, err
	}
	n, err := p.r.Read(b)
	p.count(int64(n))
	return n, err
}
