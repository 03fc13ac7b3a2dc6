package layers

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"runtime/debug"
	"sync/atomic"
)

// readStream reads a layer from first to last byte: both digests, every entry, and the contents that the budget keeps.
// It works for any blob, whatever its compression; one that takes much memory to unpack is read while no other such is.
func readStream(ctx context.Context, b blob, most int64, left *budget, from *origin) (*facts, error) {
	raw, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	f, err := readWithin(ctx, raw, usualWindow, &replay{blob: b}, most, left, from)
	if !errors.Is(err, errWindow) {
		return f, err
	}
	left.wide.Lock()
	defer left.wide.Unlock()
	if err := left.hold(maxWindow); err != nil {
		return nil, err
	}
	defer left.memory.Add(maxWindow)
	defer debug.FreeOSMemory() // there is no room for this window and the next one
	if raw, err = b.open(ctx); err != nil {
		return nil, err
	}
	return readWithin(ctx, raw, maxWindow, &replay{blob: b}, most, left, from)
}

// readPassing reads a layer as it passes, and closes it; again is how to read files of it that are not kept.
func readPassing(ctx context.Context, raw io.ReadCloser, again *replay, most int64, left *budget, from *origin) (*facts, error) {
	return readWithin(ctx, raw, maxWindow, again, most, left, from)
}

// readWithin is readPassing with a bound for the window of zstd. Three goroutines share the work: one fetches and hashes
// what is stored, one unpacks it, and this one hashes and lists the tar.
func readWithin(ctx context.Context, raw io.ReadCloser, window uint64, again *replay, most int64, left *budget, from *origin) (*facts, error) {
	stored := &meter{ctx: ctx, r: raw, sum: sha256.New(), count: from.count}
	if most >= 0 {
		stored.r = io.LimitReader(raw, most+1)
	}
	fetched := readAhead(stored, func([]byte) error { return nil })
	defer fetched.Close()
	defer raw.Close()
	z, form, err := decompressWithin(bufio.NewReaderSize(fetched, 64<<10), window)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	f := &facts{form: form}
	sum := sha256.New()
	unpacked := readAhead(z, func(p []byte) error {
		sum.Write(p)
		f.tarSize += int64(len(p))
		if err := plausible(f.tarSize, stored.n.Load()); err != nil {
			return err
		}
		return left.unpack(int64(len(p)))
	})
	defer unpacked.Close()
	defer fetched.interrupt()
	t := newTaker(left, again, &f.search)
	if err := f.list(ctx, unpacked, left, from, func() int64 { return unpacked.n }, t.take); err != nil {
		return nil, err
	}
	for _, rest := range []*ahead{unpacked, fetched} { // what stands behind the end of the tar
		if err := rest.drain(); err != nil {
			return nil, err
		}
	}
	f.digest, f.size = stored.digest(), stored.n.Load()
	f.diffID = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return f, nil
}

// meter counts and hashes what is read through it, and gives up with its context.
type meter struct {
	ctx   context.Context
	r     io.Reader
	sum   hash.Hash
	n     atomic.Int64
	count func(int64) // of what was read
}

func (m *meter) Read(p []byte) (int, error) {
	if err := context.Cause(m.ctx); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.n.Add(int64(n))
	m.sum.Write(p[:n])
	m.count(int64(n))
	return n, err
}

func (m *meter) digest() string { return "sha256:" + hex.EncodeToString(m.sum.Sum(nil)) }
