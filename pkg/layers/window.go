package layers

import "io"

// windowSize is what is read at once of a tar on disk: a header and the small files behind it.
const windowSize = 16 << 10

// window reads forward through a file, and seeks in it, with few system calls: it holds what stands around where it is.
type window struct {
	r     io.ReaderAt
	size  int64
	at    int64 // where the next Read reads
	start int64 // of what is held
	held  []byte
	buf   [windowSize]byte
}

func newWindow(r io.ReaderAt, size int64) *window { return &window{r: r, size: size} }

// from returns what is held from an offset on, at least one byte of it, or io.EOF at the end.
func (w *window) from(offset int64) ([]byte, error) {
	if offset >= w.size {
		return nil, io.EOF
	}
	if i := offset - w.start; i >= 0 && i < int64(len(w.held)) {
		return w.held[i:], nil
	}
	n, err := w.r.ReadAt(w.buf[:min(windowSize, w.size-offset)], offset)
	w.start, w.held = offset, w.buf[:n]
	if n == 0 {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF // the file has become shorter
		}
		return nil, err
	}
	return w.held, nil
}

func (w *window) Read(p []byte) (int, error) {
	b, err := w.from(w.at)
	n := copy(p, b)
	w.at += int64(n)
	return n, err
}

// ReadAt reads without moving.
func (w *window) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) && err == nil {
		var b []byte
		b, err = w.from(offset + int64(n))
		n += copy(p[n:], b)
	}
	return n, err
}

// Seek moves relative to where it is, which is all that archive/tar asks for.
func (w *window) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || w.at+offset < 0 {
		return 0, errSeek
	}
	w.at += offset
	return w.at, nil
}
