package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// stamp is the time of every file.
var stamp = time.Unix(1767225600, 0)

// writer writes the entries of one layer. After an error it does nothing; the error is in err.
type writer struct {
	tar     *tar.Writer
	pool    *pool
	dice    *rand.Rand
	entries int
	err     error
}

func (w *writer) check(err error) {
	if w.err == nil {
		w.err = err
	}
}

// entry writes one entry; a header without a type is a file's.
func (w *writer) entry(h tar.Header, data []byte) {
	w.stream(h, bytes.NewReader(data), int64(len(data)))
}

func (w *writer) stream(h tar.Header, body io.Reader, size int64) {
	if w.err != nil {
		return
	}
	if h.Typeflag == 0 {
		h.Typeflag, h.Size = tar.TypeReg, size
	}
	h.ModTime, h.Format = stamp, tar.FormatPAX
	w.entries++
	w.check(w.tar.WriteHeader(&h))
	if h.Size > 0 && w.err == nil {
		_, err := io.Copy(w.tar, body)
		w.check(err)
	}
}

func (w *writer) file(name string, data []byte) { w.entry(tar.Header{Name: name, Mode: 0o644}, data) }
func (w *writer) dir(name string, mode int64) {
	w.entry(tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: mode}, nil)
}
func (w *writer) symlink(name, to string) {
	w.entry(tar.Header{Name: name, Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: to}, nil)
}
func (w *writer) hardlink(name, to string) {
	w.entry(tar.Header{Name: name, Typeflag: tar.TypeLink, Mode: 0o644, Linkname: to}, nil)
}

// big writes a file of any size that compresses as well as the pool does.
func (w *writer) big(name string, id int, size int64) {
	w.stream(tar.Header{Name: name, Mode: 0o644}, io.LimitReader(&endless{data: w.pool.of(id), at: w.pool.start(id)}, size), size)
}

func (w *writer) zeros(name string, size int64) {
	w.stream(tar.Header{Name: name, Mode: 0o644}, io.LimitReader(&endless{data: make([]byte, 1<<20)}, size), size)
}

// endless repeats some bytes.
type endless struct {
	data []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.data[e.at:])
	e.at = (e.at + n) % len(e.data)
	return n, nil
}

// pool is what files are made of: text of which four bytes compress to about one, and noise that does not compress.
type pool struct{ words, noise []byte }

func newPool() *pool {
	dice := rand.New(rand.NewPCG(7, 7))
	list := make([][]byte, 4000)
	for i := range list {
		list[i] = make([]byte, 3+dice.IntN(7))
		for j := range list[i] {
			list[i][j] = byte('a' + dice.IntN(26))
		}
	}
	var text bytes.Buffer
	for text.Len() < 3<<20 {
		text.Write(list[dice.IntN(len(list))])
		text.WriteByte(' ')
	}
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(dice.Uint32())
	}
	return &pool{text.Bytes(), noise}
}

// of gives every fourth file noise.
func (p *pool) of(id int) []byte {
	if id%4 == 3 {
		return p.noise
	}
	return p.words
}

func (p *pool) start(id int) int { return id * 104729 % len(p.of(id)) }

// text gives a small file its contents: no two are the same.
func (p *pool) text(id, size int) []byte {
	out := make([]byte, 0, size)
	out = fmt.Appendf(out, "%016d\n", id)
	from := &endless{data: p.of(id), at: p.start(id)}
	rest := make([]byte, size-len(out))
	_, _ = io.ReadFull(from, rest) // an endless reader does not fail
	return append(out, rest...)
}
