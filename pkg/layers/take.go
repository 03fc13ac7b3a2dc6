package layers

import (
	"archive/tar"
	"bytes"
	"hash/maphash"
	"io"
)

// seed keys the checksums by which a file that is read a second time is known to be the same.
var seed = maphash.MakeSeed()

// taker takes the contents of the files of a layer that is read as a stream, and searches them for secrets.
type taker struct {
	left   *budget
	again  *replay
	search *searcher
	buf    []byte
}

func newTaker(left *budget, again *replay, search *searcher) *taker {
	return &taker{left: left, again: again, search: search, buf: make([]byte, 64<<10)}
}

// take reads the contents of a regular file that stand at an offset of the tar, and keeps them or a way back to them.
func (t *taker) take(it *item, h *tar.Header, body *tar.Reader, offset int64) (err error) {
	head := t.buf[:min(h.Size, headSize)]
	if _, err := io.ReadFull(body, head); err != nil {
		return err
	}
	it.entry.ELF = bytes.HasPrefix(head, []byte(elfMagic))
	switch {
	case h.Size == 0:
		it.content = held(nil)
	case sparse(h) && h.Size > smallFile:
		it.content = unavailable{errSparse}
	case it.entry.ELF && !sparse(h) && t.again.programs != nil:
		it.content, it.entry.NotGo, err = t.again.programs.take(h, head, body, func(s *scan) content { return t.replayed(offset, s) })
		return err
	case it.entry.ELF && !sparse(h):
		return t.program(it, h, offset, head, body)
	case t.left.keeps(h):
		data := make([]byte, h.Size)
		copy(data, head)
		if _, err := io.ReadFull(body, data[len(head):]); err != nil {
			return err
		}
		it.content = held(data)
		if !it.entry.ELF {
			it.note(t.search.whole(h.Name, data))
		}
	case sparse(h):
		it.content = unavailable{errSparse}
	default:
		s := newScan(t.again.once)
		finds, err := t.search.stream(h.Name, head, h.Size, body, s)
		if err != nil {
			return err
		}
		it.note(finds)
		it.content = t.replayed(offset, s)
	}
	return nil
}

// replayed is the content of a file that is not kept.
func (t *taker) replayed(offset int64, s *scan) content {
	if t.again.once {
		return gone{golang: s.found}
	}
	return &replayed{again: t.again, offset: offset, sum: s.sum.Sum64()}
}

// program reads an ELF file. Kept are those that Go built, and of others what loaders read: what is started, and what it
// links to.
func (t *taker) program(it *item, h *tar.Header, offset int64, head []byte, body io.Reader) error {
	s := newScan(true)
	if !t.left.program(h, hasGoNote(head)) {
		_, _ = s.Write(head)
		_, err := io.CopyBuffer(s, body, t.buf)
		it.entry.NotGo, it.content = !s.found, t.replayed(offset, s)
		return err
	}
	all, err := readParts(io.MultiReader(bytes.NewReader(head), body), h.Size, s)
	if err != nil {
		return err
	}
	if it.entry.NotGo = !s.found; s.found {
		it.content = all.trim()
		return nil
	}
	t.left.release(&t.left.programs, h.Size)
	lost := t.replayed(offset, s)
	if it.content = lost; h.Size <= largeLibrary || isSystem(h.Name) {
		kept := &thinned{size: h.Size, parts: tellingParts(all, all[0], h.Size), lost: lost}
		if t.left.library(h, kept.kept()) {
			it.content = kept
		}
	}
	all.free()
	return nil
}

const (
	headSize = 4 << 10 // the linker puts the notes at the end of the first page at the latest
	// goMagic begins the build information of every program that Go built since 1.13. Source: debug/buildinfo.
	goMagic = "\xff Go buildinf:"
)

// hasGoNote tells whether the beginning of an ELF file has the note in which Go's linker writes its build id: a name of
// four bytes, "Go". Source: cmd/internal/buildid/note.go.
func hasGoNote(head []byte) bool { return bytes.Contains(head, []byte("Go\x00\x00")) }

// scan looks at a file as it passes by: a checksum, and whether Go's magic is in it.
type scan struct {
	sum    maphash.Hash
	search bool
	found  bool
	tail   []byte // the last bytes seen, fewer than the magic has
}

func newScan(search bool) *scan {
	s := &scan{search: search}
	s.sum.SetSeed(seed)
	return s
}

func (s *scan) Write(p []byte) (int, error) {
	s.sum.Write(p)
	if !s.search || s.found {
		return len(p), nil
	}
	const keep = len(goMagic) - 1
	edge := append(s.tail, p[:min(len(p), keep)]...)
	s.found = bytes.Contains(p, []byte(goMagic)) || bytes.Contains(edge, []byte(goMagic))
	if len(p) >= keep {
		edge = p
	}
	s.tail = append(s.tail[:0], edge[max(0, len(edge)-keep):]...)
	return len(p), nil
}
