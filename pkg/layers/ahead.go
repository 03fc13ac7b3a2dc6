package layers

import (
	"errors"
	"io"
	"sync"
)

// How far reading runs ahead of what is made of it: while one piece is in use, two more are on their way.
const (
	pieceSize = 256 << 10
	pieces    = 3
)

// ahead reads on in a goroutine of its own, so that fetching, unpacking and listing one layer share the cores. It is
// for one reader.
type ahead struct {
	full, empty chan piece
	stop, done  chan struct{}
	stopped     sync.Once
	use         func([]byte) error // is given every piece before it is given out

	now  piece  // the one in use
	rest []byte // of it, what has not been given out
	n    int64  // bytes given out
}

// piece is some bytes, and the error behind them.
type piece struct {
	room *[pieceSize]byte
	data []byte
	err  error
}

var rooms = sync.Pool{New: func() any { return new([pieceSize]byte) }}

var (
	errClosed = errors.New("closed while being read")
	errSeek   = errors.New("only seeks forward")
)

// readAhead starts to read. The caller closes, when nothing can hold up the reader any more.
func readAhead(r io.Reader, use func([]byte) error) *ahead {
	a := &ahead{full: make(chan piece, pieces), empty: make(chan piece, pieces), stop: make(chan struct{}), done: make(chan struct{}), use: use}
	for range pieces {
		a.empty <- piece{}
	}
	go a.run(r)
	return a
}

// run fills pieces up to an error, which comes with the last one.
func (a *ahead) run(r io.Reader) {
	defer close(a.done)
	for {
		var p piece
		select {
		case p = <-a.empty:
		case <-a.stop:
			return
		}
		if p.room == nil {
			p.room = rooms.Get().(*[pieceSize]byte)
		}
		n, err := fillPiece(r, p.room[:])
		p.data, p.err = p.room[:n], err
		a.full <- p // there is room for all there are
		if err != nil {
			return
		}
	}
}

// fillPiece reads until b is full, or an error.
func fillPiece(r io.Reader, b []byte) (n int, err error) {
	for idle := 0; n < len(b) && err == nil; {
		var m int
		m, err = r.Read(b[n:])
		if n += m; m > 0 {
			idle = 0
		} else if idle++; idle > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// next makes the following piece the one in use, or returns the error behind the last.
func (a *ahead) next() error {
	if a.now.err != nil {
		return a.now.err
	}
	if a.now.room != nil {
		a.empty <- piece{room: a.now.room}
	}
	select {
	case a.now = <-a.full:
	case <-a.stop:
		a.now = piece{err: errClosed}
	}
	if err := a.use(a.now.data); err != nil {
		a.now.data, a.now.err = nil, err
	}
	a.rest = a.now.data
	return nil
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if err := a.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, a.rest)
	a.pass(n)
	return n, nil
}

func (a *ahead) pass(n int) {
	a.rest = a.rest[n:]
	a.n += int64(n)
}

// Seek lets archive/tar pass over what nobody reads without a copy of it. Only what archive/tar asks for is there.
func (a *ahead) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 {
		return 0, errSeek
	}
	for offset > 0 {
		for len(a.rest) == 0 {
			if err := a.next(); err == io.EOF {
				return 0, io.ErrUnexpectedEOF
			} else if err != nil {
				return 0, err
			}
		}
		n := int(min(offset, int64(len(a.rest))))
		a.pass(n)
		offset -= int64(n)
	}
	return a.n, nil
}

// drain reads to the end.
func (a *ahead) drain() error {
	for {
		a.pass(len(a.rest))
		if err := a.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// interrupt makes Read fail and the goroutine end after its current read.
func (a *ahead) interrupt() { a.stopped.Do(func() { close(a.stop) }) }

// Close ends the reading and waits for it to end.
func (a *ahead) Close() {
	a.interrupt()
	<-a.done
	for {
		select {
		case p := <-a.full:
			a.empty <- p
		case p := <-a.empty:
			if p.room != nil {
				rooms.Put(p.room)
			}
		default:
			if a.now.room != nil {
				rooms.Put(a.now.room)
				a.now.room = nil
			}
			return
		}
	}
}
