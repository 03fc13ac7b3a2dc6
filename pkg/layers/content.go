package layers

import (
	"bytes"
	"errors"
	"io"
)

// content is where the bytes of a regular file are.
type content interface {
	// open gives the bytes, exactly size of them, or says why it cannot. The caller closes.
	open(size int64) (readAtCloser, error)
}

type readAtCloser interface {
	io.ReaderAt
	io.Closer
}

// held is content in memory.
type held []byte

func (h held) open(int64) (readAtCloser, error) { return memory{bytes.NewReader(h)}, nil }

// memory is an open file whose bytes are in memory.
type memory struct{ io.ReaderAt }

func (memory) Close() error { return nil }

// errNotGiven is what reading a file says that was described to New by its size alone.
var errNotGiven = errors.New("contents not given")

// unavailable is content that cannot be provided.
type unavailable struct{ because error }

func (u unavailable) open(int64) (readAtCloser, error) { return nil, u.because }
