package layers

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
)

// facts is what reading a layer tells of it.
type facts struct {
	stratum
	digest  string // of the stored bytes
	diffID  string // of the tar
	size    int64  // stored bytes
	tarSize int64
	entries int
	form    compression
}

// seed keys the checksums by which a file that is read a second time is known to be the same.
var seed = maphash.MakeSeed()

// readStream reads a layer from first to last byte: both digests, every entry, and the contents that the budget keeps.
// It works for any blob, whatever its compression.
func readStream(ctx context.Context, b blob, most int64, left *budget) (*facts, error) {
	raw, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	stored := &meter{r: raw, sum: sha256.New(), spend: func(int64) error { return ctx.Err() }}
	if most >= 0 {
		stored.r = io.LimitReader(raw, most+1)
	}
	z, form, err := decompress(stored)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	unpacked := &meter{r: z, sum: sha256.New(), spend: left.unpack}
	f := &facts{form: form}
	again := &replay{blob: b}
	if err := f.list(unpacked, left, again); err != nil {
		return nil, err
	}
	for _, rest := range []io.Reader{unpacked, stored} { // what stands behind the end of the tar
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return nil, err
		}
	}
	f.digest, f.size = stored.digest(), stored.n
	f.diffID, f.tarSize = unpacked.digest(), unpacked.n
	return f, nil
}

// list reads the entries of a tar stream.
func (f *facts) list(in *meter, left *budget, again *replay) error {
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
		it, ok, err := itemOf(h)
		if err != nil {
			return err
		}
		if ok && it.entry.Mode.IsRegular() && it.hardlink == "" {
			if err := it.take(tr, h, in.n, left, again); err != nil {
				return tarError(err)
			}
		}
		if ok {
			if err := f.add(h.Name, it); err != nil {
				return err
			}
		}
	}
}

// errSparse is what reading a sparse file says: its bytes are not stored one after the other.
var errSparse = errors.New("a GNU sparse file too big to be kept")

// take reads the contents of a regular file that stands at an offset of the tar, and keeps them or a way back to them.
func (it *item) take(body io.Reader, h *tar.Header, offset int64, left *budget, again *replay) error {
	head := make([]byte, min(h.Size, int64(len(elfMagic))))
	if _, err := io.ReadFull(body, head); err != nil {
		return err
	}
	it.entry.ELF = string(head) == elfMagic
	switch {
	case h.Size == 0:
		it.content = held(nil)
	case left.keeps(h, it.entry.ELF):
		data := make([]byte, h.Size)
		copy(data, head)
		if _, err := io.ReadFull(body, data[len(head):]); err != nil {
			return err
		}
		it.content = held(data)
	case sparse(h):
		it.content = unavailable{errSparse}
	default:
		var sum maphash.Hash
		sum.SetSeed(seed)
		sum.Write(head)
		if _, err := io.Copy(&sum, body); err != nil {
			return err
		}
		it.content = &replayed{again: again, offset: offset, sum: sum.Sum64()}
	}
	return nil
}

// tarError says that a tar which ends inside an entry is cut off.
func tarError(err error) error {
	if errors.Is(err, tar.ErrHeader) {
		return fmt.Errorf("not a tar, or a damaged one: %w", err)
	}
	return err
}

// meter counts and hashes what is read through it.
type meter struct {
	r     io.Reader
	sum   hash.Hash
	n     int64
	spend func(n int64) error
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	m.sum.Write(p[:n])
	if over := m.spend(int64(n)); over != nil {
		return n, over
	}
	return n, err
}

func (m *meter) digest() string { return "sha256:" + hex.EncodeToString(m.sum.Sum(nil)) }
