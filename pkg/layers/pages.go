package layers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// Large contents are remembered by the pages that an audit reads of them.
const (
	pageSize = 4096
	maxPages = 8 << 20 / pageSize // of one file; of one that is read beyond them nothing is remembered
	// maxRecorded bounds the bytes of all pages of an image; beyond them no more are remembered.
	maxRecorded = 32 << 20
)

// pagesKind is where the cache has them.
const pagesKind cache.Kind = "pages"

// pages are the known pages of one file.
type pages struct {
	memo *memo
	size int64 // of the file
	key  string

	mu    sync.Mutex
	known map[int64][]byte
	fresh bool // some are not in the cache
	gone  bool // there were too many
}

// pagesOf returns what is known of a file's contents.
func (o *origin) pagesOf(c *remembered, size int64) *pages {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p, ok := o.pages[c.offset]; ok {
		return p
	}
	p := &pages{memo: o.memo, size: size, key: schema + "\n" + c.id(), known: map[int64][]byte{}}
	if c.inner == nil || o.memo.store != nil {
		if data, ok := o.memo.store.Get(pagesKind, p.key); ok {
			if known, err := decodePages(data, size); err == nil {
				p.known = known
			}
		}
	}
	o.pages[c.offset] = p
	return p
}

// read fills b from known pages, and reports whether it could.
func (p *pages) read(b []byte, off int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, last := off/pageSize, (off+int64(len(b))-1)/pageSize
	for i := first; i <= last; i++ {
		if p.known[i] == nil {
			return false
		}
	}
	for i := first; i <= last; i++ {
		page := p.known[i]
		n := copy(b, page[off-i*pageSize:])
		b, off = b[n:], off+int64(n)
	}
	return true
}

// add takes whole pages from the page first on.
func (p *pages) add(data []byte, first int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := first; len(data) > 0 && !p.gone; i++ {
		n := min(pageSize, len(data))
		page := data[:n]
		data = data[n:]
		if p.known[i] != nil || !p.memo.record(n) {
			continue
		}
		p.known[i], p.fresh = slices.Clone(page), true
		if len(p.known) > maxPages {
			p.memo.record(-len(p.known) * pageSize)
			p.known, p.fresh, p.gone = nil, false, true
		}
	}
}

// gaveUp says that more was read of the file than is remembered.
func (p *pages) gaveUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// record takes bytes from the bound of the image, and reports whether they are left.
func (m *memo) record(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recorded+int64(n) > maxRecorded {
		return false
	}
	m.recorded += int64(n)
	return true
}

// remember puts the pages that were read of the layer into the cache.
func (o *origin) remember() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.pages {
		p.mu.Lock()
		if p.fresh {
			o.memo.store.Put(pagesKind, p.key, p.encode())
			p.fresh = false
		}
		p.mu.Unlock()
	}
}

// encode writes how many pages there are, their numbers as steps from one to the next, and their bytes; compressed.
func (p *pages) encode() []byte {
	numbers := make([]int64, 0, len(p.known))
	for i := range p.known {
		numbers = append(numbers, i)
	}
	slices.Sort(numbers)
	raw := binary.AppendUvarint(nil, uint64(len(numbers)))
	next := int64(0)
	for _, i := range numbers {
		raw = binary.AppendUvarint(raw, uint64(i-next))
		next = i + 1
	}
	for _, i := range numbers {
		raw = append(raw, p.known[i]...)
	}
	return compress(raw)
}

var errPages = errors.New("malformed pages")

// decodePages reads pages of a file of some size.
func decodePages(data []byte, size int64) (map[int64][]byte, error) {
	raw, err := expand(data, maxPages*(pageSize+binary.MaxVarintLen64)+binary.MaxVarintLen64)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	d := decoder{rest: raw}
	count := d.number(maxPages)
	numbers := make([]int64, 0, count)
	next, all := int64(0), (size+pageSize-1)/pageSize
	for range count {
		i := next + int64(d.number(uint64(all)))
		if i >= all {
			return nil, errPages
		}
		numbers, next = append(numbers, i), i+1
	}
	known := make(map[int64][]byte, count)
	for _, i := range numbers {
		known[i] = d.bytes(int(min(pageSize, size-i*pageSize)))
	}
	if d.bad || len(d.rest) > 0 {
		return nil, errPages
	}
	return known, nil
}
