package layers

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// origin is the layer that contents come from, and knows the ways to them: in memory, on disk, in the cache, or in the
// stored layer, which is then read again.
type origin struct {
	memo   *memo
	layer  int // index in the image
	diffID string
	// disk is the layer if it lies uncompressed on disk: its contents are read in place, and the cache would win nothing.
	disk *fileBlob
	// reread reads and verifies the whole layer; nil for one whose contents are known already.
	reread func() (*bodies, error)
	// bodies takes what is read if nothing else of the layer is wanted: see reread.go.
	bodies  *bodies
	counter *counter // while the layer is read

	once   sync.Once // for again and failed
	again  *bodies
	failed error

	mu     sync.Mutex
	pages  map[int64]*pages // what is known of contents by their offset
	number int              // of the pack that is held, from 1
	pack   []byte
}

// memo is what the layers of an image share to remember contents.
type memo struct {
	store *cache.Store // nil without a cache

	mu       sync.Mutex
	origins  []*origin
	recorded int64 // bytes of all pages
	failures []Unread
}

// from makes the origin of a layer.
func (m *memo) from(layer int, diffID string) *origin {
	o := newOrigin()
	o.layer, o.diffID = layer, diffID
	m.add(o)
	return o
}

// add has the image remember what is read of a layer's contents.
func (m *memo) add(o *origin) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o.memo = m
	if !slices.Contains(m.origins, o) {
		m.origins = append(m.origins, o)
	}
}

// newOrigin makes the origin of a layer that is part of no image yet.
func newOrigin() *origin { return &origin{memo: &memo{}, pages: map[int64]*pages{}} }

// become makes o, of a layer that was read before its image was known, the origin that was meant for the layer there.
func (o *origin) become(meant *origin) {
	o.mu.Lock()
	o.layer, o.diffID = meant.layer, meant.diffID
	o.mu.Unlock()
	meant.memo.add(o)
}

// remembered is content of a layer that knows where it came from.
type remembered struct {
	from   *origin
	offset int64   // in the tar
	inner  content // nil if the layer must be read again for it
	pack   int32   // number of the pack that holds it, from 1; 0 if none does
	at     int32   // where in the pack
	sparse bool    // the bytes do not stand in the tar as they are
}

// content gives the contents of an entry, at an offset of the layer's tar, their origin.
func (o *origin) content(inner content, offset int64, h *tar.Header) content {
	return &remembered{from: o, offset: offset, inner: inner, sparse: sparse(h)}
}

// id identifies the bytes: the layer and where in its tar they are.
func (c *remembered) id() string { return fmt.Sprintf("%s\n%d", c.from.diffID, c.offset) }

// open gives the bytes and notes which of them are read.
func (c *remembered) open(size int64) (readAtCloser, error) {
	if c.from.disk != nil || c.from.memo.store == nil || c.pack > 0 && c.inner != nil {
		return c.openWhole(size)
	}
	if data, ok := c.packed(size); ok {
		return memory{bytes.NewReader(data)}, nil
	}
	r := &recorder{of: c, size: size, pages: c.from.pagesOf(c, size)}
	if _, slow := c.inner.(*replayed); c.inner != nil && !slow {
		if err := r.open(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// openWhole gives the bytes from where they are, reading the layer again if it must, and notes nothing but failures.
func (c *remembered) openWhole(size int64) (readAtCloser, error) {
	inner, err := c.source()
	var r readAtCloser
	if err == nil {
		r, err = inner.open(size)
	}
	if err != nil {
		c.from.fail(err)
		return nil, err
	}
	return r, nil
}

// source is the content outside the cache.
func (c *remembered) source() (content, error) {
	if c.inner != nil {
		return c.inner, nil
	}
	o := c.from
	o.once.Do(func() { o.again, o.failed = o.reread() })
	if o.failed != nil {
		return nil, o.failed
	}
	return o.again.at(c.offset)
}

// fail notes that contents of the layer could not be read when they were asked for.
func (o *origin) fail(err error) {
	var gone *GoneError
	if errors.As(err, &gone) {
		return // who asks for what came through a pipe knows that it can be gone
	}
	o.memo.mu.Lock()
	defer o.memo.mu.Unlock()
	u := Unread{What: fmt.Sprintf("contents of layer %d", o.layer), Because: oneLine(err), Err: err}
	for _, have := range o.memo.failures {
		if have.What == u.What && have.Because == u.Because {
			return
		}
	}
	o.memo.failures = append(o.memo.failures, u)
}

// recorder is an open file that reads from the pages the cache has and from the layer what they lack, which is then
// known too.
type recorder struct {
	of    *remembered
	size  int64
	pages *pages

	mu    sync.Mutex
	inner readAtCloser // nil until it is needed
}

func (r *recorder) open() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inner != nil {
		return nil
	}
	inner, err := r.of.openWhole(r.size)
	r.inner = inner
	return err
}

func (r *recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inner == nil {
		return nil
	}
	return r.inner.Close()
}

func (r *recorder) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("reading at the negative offset %d", off)
	}
	want := p[:max(0, min(int64(len(p)), r.size-off))]
	if len(want) < len(p) {
		n, err := r.readFull(want, off)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	return r.readFull(want, off)
}

// readFull fills p, which lies inside the file.
func (r *recorder) readFull(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.pages.read(p, off) {
		return len(p), nil
	}
	if err := r.open(); err != nil {
		return 0, err
	}
	if r.pages.gaveUp() {
		return r.inner.ReadAt(p, off)
	}
	start := off - off%pageSize
	end := min((off+int64(len(p))+pageSize-1)/pageSize*pageSize, r.size)
	aligned := make([]byte, end-start)
	if _, err := io.ReadFull(io.NewSectionReader(r.inner, start, end-start), aligned); err != nil {
		r.of.from.fail(err)
		return 0, err
	}
	r.pages.add(aligned, start/pageSize)
	return copy(p, aligned[off-start:]), nil
}
