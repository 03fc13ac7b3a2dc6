package layers

import (
	"io"
	"strconv"

	"github.com/imgaudit/imgaudit/pkg/cache"
)

// Contents that most audits ask for are kept in the cache whole, many of them in one pack: settings and scripts.
const (
	packSize  = 256 << 10 // bytes after which a pack is full
	maxPacked = 16 << 20  // bytes of one layer
	maxScript = 64 << 10  // of one script
)

// packsKind is where the cache has packs.
const packsKind cache.Kind = "contents"

func packKey(diffID string, number int) string {
	return schema + "\n" + diffID + "\n" + strconv.Itoa(number)
}

// packs tells whether an entry's contents are kept whole.
func packs(e *Entry) bool {
	if isSetting(e.Path) {
		return e.Size <= largeSetting
	}
	return e.Mode&0o111 != 0 && !e.ELF && e.Size <= maxScript
}

// packer writes contents into packs.
type packer struct {
	store  *cache.Store
	diffID string
	number int // of the pack being filled, from 1
	pack   []byte
	total  int64
}

// add packs the contents of an item, and notes in it where they are. What cannot be read is left out, and what is too
// much, or would have to be fetched again.
func (p *packer) add(it *item, c *remembered) {
	if _, slow := c.inner.(*replayed); slow {
		return
	}
	if p.total += it.entry.Size; p.total > maxPacked {
		return
	}
	r, err := c.inner.open(it.entry.Size)
	if err != nil {
		return
	}
	defer r.Close()
	if len(p.pack) > 0 && int64(len(p.pack))+it.entry.Size > packSize {
		p.flush()
	}
	at := len(p.pack)
	p.pack = append(p.pack, make([]byte, it.entry.Size)...)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, it.entry.Size), p.pack[at:]); err != nil {
		p.pack = p.pack[:at]
		return
	}
	c.pack, c.at = int32(p.number), int32(at)
}

// flush stores the pack and begins another.
func (p *packer) flush() {
	if len(p.pack) > 0 {
		p.store.Put(packsKind, packKey(p.diffID, p.number), compress(p.pack))
	}
	p.number++
	p.pack = p.pack[:0]
}

// packed returns contents from their pack, and whether the cache has it.
func (c *remembered) packed(size int64) ([]byte, bool) {
	if c.pack == 0 || c.inner != nil {
		return nil, false
	}
	o := c.from
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.number != int(c.pack) {
		data, ok := o.memo.store.Get(packsKind, packKey(o.diffID, int(c.pack)))
		if !ok {
			return nil, false
		}
		raw, err := expand(data, packSize+largeSetting)
		if err != nil {
			return nil, false
		}
		o.number, o.pack = int(c.pack), raw
	}
	if int64(c.at)+size > int64(len(o.pack)) {
		return nil, false
	}
	return o.pack[c.at : int64(c.at)+size], true
}
