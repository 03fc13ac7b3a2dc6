package layers

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
)

// GoneError is what reading a file says that came through a pipe and was too big to be kept, or of which only a part was.
type GoneError struct {
	Size int64
	// Go says that the file may be a Go program: it has the mark of Go's build information somewhere.
	Go bool
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("its %d bytes came through a pipe and were too many to be kept: name a file, a registry or an engine instead", e.Size)
}

// gone is the content of such a file.
type gone struct{ golang bool }

func (g gone) open(size int64) (readAtCloser, error) {
	return nil, &GoneError{Size: size, Go: g.golang}
}

// keptPrograms are the ELF files kept of a stream that cannot be read again, or only at the cost of all of it. Layers come
// in any order, the base often first, so a Go program takes the room of what Go did not build; and of that only the parts
// are kept that loaders read.
type keptPrograms struct {
	left    *budget
	foreign []*thinned // what Go did not build
	whole   int64      // size up to which those are kept whole; smaller when room gets scarce
}

// What is kept of the programs of a stream, in bytes: all together, and the size beyond which one is not kept.
const (
	keepPassing       = 96 << 20
	maxPassingProgram = 64 << 20
)

// take reads an ELF file. lost is its content if it is not kept, by what was seen of it; notGo says that Go did not build it.
func (k *keptPrograms) take(h *tar.Header, head []byte, body io.Reader, lost func(*scan) content) (c content, notGo bool, err error) {
	s := newScan(true)
	if h.Size > maxPassingProgram {
		_, _ = s.Write(head)
		_, err := io.Copy(s, body)
		return lost(s), !s.found, err
	}
	data := make([]byte, h.Size)
	copy(data, head)
	if _, err := io.ReadFull(body, data[len(head):]); err != nil {
		return nil, false, err
	}
	if _, _ = s.Write(data); s.found {
		if k.room(h) && k.left.keep(&k.left.programs, h.Size) {
			return held(data), false, nil
		}
		return lost(s), false, nil
	}
	t := &thinned{size: h.Size, parts: []part{{0, data}}, lost: lost(s)}
	for {
		if h.Size > k.whole {
			t.thin()
		}
		if k.left.keep(&k.left.programs, t.kept()) {
			k.foreign = append(k.foreign, t)
			return t, true, nil
		}
		if !k.tighten() {
			return t.lost, true, nil
		}
	}
}

// tighten thins more of the programs that Go did not build. It is false when there is nothing more to thin.
func (k *keptPrograms) tighten() bool {
	const smallest = 1 << 20
	switch {
	case k.whole == 0:
		return false
	case k.whole > smallest:
		k.whole /= 4
	default:
		k.whole = 0
	}
	for _, t := range k.foreign {
		if t.size > k.whole {
			before := t.kept()
			t.thin()
			k.left.release(&k.left.programs, before-t.kept())
		}
	}
	return true
}

// room makes room for a Go program, if there is a way: the biggest of the others go. The Go distribution's tools get what
// is there.
func (k *keptPrograms) room(h *tar.Header) bool {
	if strings.Contains(h.Name, "/pkg/tool/") {
		return k.left.programs.Load() >= h.Size
	}
	for k.left.programs.Load() < h.Size && k.tighten() {
	}
	could := k.left.programs.Load()
	for _, t := range k.foreign {
		could += t.kept()
	}
	if could < h.Size {
		return false
	}
	sort.SliceStable(k.foreign, func(i, j int) bool { return k.foreign[i].kept() > k.foreign[j].kept() })
	for k.left.programs.Load() < h.Size {
		k.left.release(&k.left.programs, k.foreign[0].kept())
		k.foreign[0].parts = nil
		k.foreign = k.foreign[1:]
	}
	return true
}

// thinned is an ELF file, whole or without its code.
type thinned struct {
	size  int64
	parts []part  // in order; nil if another program took the room
	lost  content // the file as it was
}

type part struct {
	offset int64
	data   []byte
}

// page is the grain in which a file is thinned, and how much is kept behind what is needed: readers of ELF files read
// ahead by as much.
const page = 64 << 10

// thin leaves out what no reader of ELF files needs.
func (t *thinned) thin() {
	if len(t.parts) == 1 && int64(len(t.parts[0].data)) == t.size {
		data := t.parts[0].data
		t.parts = tellingParts(bytes.NewReader(data), data, t.size)
	}
}

// tellingParts copies what tells of an ELF file, whose beginning is given; nil if it cannot be read.
func tellingParts(r io.ReaderAt, head []byte, size int64) []part {
	var parts []part
	for _, s := range telling(head, size) {
		data := make([]byte, s.to-s.from)
		if _, err := r.ReadAt(data, s.from); err != nil && err != io.EOF {
			return nil
		}
		parts = append(parts, part{s.from, data})
	}
	return parts
}

// span is a part of a file, in bytes.
type span struct{ from, to int64 }

// telling returns the parts of an ELF file, whose beginning is given, without the pages that hold code alone: the
// executable segments, but for one at the start, where the tables of the loader are. Source: elf(5).
func telling(head []byte, size int64) []span {
	keep := make([]bool, (size+page-1)/page)
	for i := range keep {
		keep[i] = true
	}
	const load, dynamic, interpreter, note, tls = 1, 2, 3, 4, 7
	const executable = 1
	for _, wanted := range []bool{false, true} {
		for _, s := range segments(head, uint64(size)) {
			needed := s.kind == dynamic || s.kind == interpreter || s.kind == note || s.kind == tls
			spare := s.kind == load && s.offset > 0 && s.flags&executable != 0
			if wanted && !needed || !wanted && !spare {
				continue
			}
			first, last := s.offset/page, (s.offset+s.size+page-1)/page
			if !wanted {
				first, last = (s.offset+page-1)/page, (s.offset+s.size)/page
			}
			for i := first; i < last && i < uint64(len(keep)); i++ {
				keep[i] = wanted
			}
		}
	}
	for i := len(keep) - 1; i > 0; i-- {
		keep[i] = keep[i] || keep[i-1]
	}
	var kept []span
	for i := 0; i < len(keep); i++ {
		from := i
		for i < len(keep) && keep[i] {
			i++
		}
		if i > from {
			kept = append(kept, span{int64(from * page), min(int64(i*page), size)})
		}
	}
	return kept
}

type segment struct {
	kind, flags  uint32
	offset, size uint64
}

// segments reads the program headers of a 64-bit little-endian ELF file of some size, which stand in its beginning; of
// another, and of one that lies, none.
func segments(data []byte, length uint64) []segment {
	const fileHeader, entry, most = 64, 56, 64
	if len(data) < fileHeader || data[4] != 2 || data[5] != 1 {
		return nil
	}
	le := binary.LittleEndian
	at, size, count := le.Uint64(data[32:]), le.Uint16(data[54:]), le.Uint16(data[56:])
	if size != entry || count > most || at > uint64(len(data)) || uint64(len(data))-at < entry*uint64(count) {
		return nil
	}
	var list []segment
	for ; count > 0; count-- {
		h := data[at : at+entry]
		s := segment{le.Uint32(h), le.Uint32(h[4:]), le.Uint64(h[8:]), le.Uint64(h[32:])}
		if s.offset > length || s.size > length-s.offset {
			return nil
		}
		list = append(list, s)
		at += entry
	}
	return list
}

func (t *thinned) kept() (n int64) {
	for _, p := range t.parts {
		n += int64(len(p.data))
	}
	return n
}

func (t *thinned) open(size int64) (readAtCloser, error) {
	if t.parts == nil {
		return t.lost.open(size)
	}
	return &openThinned{thinned: t}, nil
}

// openThinned is an open file of which the parts that were not kept are had from where it was, if that is still there.
type openThinned struct {
	*thinned
	mu    sync.Mutex
	whole readAtCloser // nil until it is needed
}

func (f *openThinned) ReadAt(b []byte, offset int64) (int, error) {
	n, err := f.thinned.ReadAt(b, offset)
	var lost *GoneError
	if !errors.As(err, &lost) {
		return n, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.whole == nil {
		whole, err := f.lost.open(f.size)
		if err != nil {
			return n, err
		}
		f.whole = whole
	}
	return f.whole.ReadAt(b, offset)
}

func (f *openThinned) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.whole == nil {
		return nil
	}
	return f.whole.Close()
}

// ReadAt reads what was kept.
func (t *thinned) ReadAt(b []byte, offset int64) (int, error) {
	if offset < 0 || offset >= t.size {
		return 0, io.EOF
	}
	i := sort.Search(len(t.parts), func(i int) bool { return t.parts[i].offset > offset }) - 1
	if i < 0 || offset-t.parts[i].offset >= int64(len(t.parts[i].data)) {
		return 0, &GoneError{Size: t.size}
	}
	n := copy(b, t.parts[i].data[offset-t.parts[i].offset:])
	switch {
	case n == len(b):
		return n, nil
	case offset+int64(n) == t.size:
		return n, io.EOF
	}
	return n, &GoneError{Size: t.size}
}
