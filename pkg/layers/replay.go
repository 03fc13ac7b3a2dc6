package layers

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"runtime"
	"sync"
	"time"
)

// replay reads files of a layer that can only be read from its start. It stays where it stopped, so that files asked
// for in the order of the tar cost one reading of the layer together.
type replay struct {
	blob blob
	once bool // the layer came through a pipe and cannot be read again
	// programs, if not nil, keeps what can be kept of a layer whose reading again is dear, or impossible.
	programs *keptPrograms

	mu   sync.Mutex
	tape *tape
}

// tape is a layer being read, at a position of its tar.
type tape struct {
	raw, tar  io.ReadCloser
	at        int64
	cancel    context.CancelFunc
	forgotten runtime.Cleanup // closes the tape of a replay that nobody can ask any more
}

// replayTime bounds one reading of a layer after Read has returned.
const replayTime = 10 * time.Minute

// read returns the bytes of the tar at an offset.
func (p *replay) read(offset, size int64) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		fresh := p.tape == nil || p.tape.at > offset
		if fresh {
			if err := p.rewind(); err != nil {
				return nil, err
			}
		}
		data, err := p.tape.read(offset, size)
		if err == nil {
			return data, nil
		}
		p.tape.close()
		p.tape = nil
		if fresh {
			return nil, err // an old tape may have been closed by the other side
		}
	}
}

// rewind starts the layer again.
func (p *replay) rewind() error {
	if p.tape != nil {
		p.tape.close()
		p.tape = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), replayTime)
	raw, err := p.blob.open(ctx)
	if err != nil {
		cancel()
		return err
	}
	z, _, err := decompress(raw)
	if err != nil {
		raw.Close()
		cancel()
		return err
	}
	p.tape = &tape{raw: raw, tar: z, cancel: cancel}
	p.tape.forgotten = runtime.AddCleanup(p, func(end func()) { end() }, p.tape.end)
	return nil
}

func (t *tape) read(offset, size int64) ([]byte, error) {
	n, err := io.CopyN(io.Discard, t.tar, offset-t.at)
	t.at += n
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	m, err := io.ReadFull(t.tar, data)
	t.at += int64(m)
	return data, err
}

// close ends a tape by hand.
func (t *tape) close() {
	t.forgotten.Stop()
	t.end()
}

func (t *tape) end() {
	t.cancel()
	t.tar.Close()
	t.raw.Close()
}

// replayed is content that is read from its layer when it is asked for.
type replayed struct {
	again  *replay
	offset int64
	sum    uint64 // what the bytes were when the layer's digest was checked
}

func (c *replayed) open(size int64) (readAtCloser, error) {
	if size > maxReadFile {
		return nil, limitError("file of a compressed layer", maxReadFile, "bytes")
	}
	data, err := c.again.read(c.offset, size)
	if err != nil {
		return nil, err
	}
	if maphash.Bytes(seed, data) != c.sum {
		return nil, errors.New("the layer changed since it was read")
	}
	return memory{bytes.NewReader(data)}, nil
}
