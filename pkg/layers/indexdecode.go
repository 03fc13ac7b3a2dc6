package layers

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
)

var errIndex = errors.New("malformed index")

// decodeIndex reads an index. The contents of its files come from o.
func decodeIndex(data []byte, o *origin) (*index, error) {
	d := decoder{blocks: data}
	d.block()
	text := d.number(maxMemory)
	x := &index{tarSize: int64(d.number(maxImageSize)), entries: int(d.number(maxEntries))}
	items, whiteouts, opaque := d.number(maxEntries), d.number(maxEntries), d.number(maxEntries)
	if d.bad || !bearable(text, items, whiteouts, opaque) {
		return nil, errIndex
	}
	d.arena.Grow(int(text))
	x.stratum.items = make([]*item, 0, items)
	room, contents := make([]item, 0), make([]remembered, 0)
	for range items {
		if len(room) == 0 {
			room = make([]item, min(int(items)-len(x.stratum.items), itemsAtOnce))
			contents = make([]remembered, len(room))
		}
		if d.block(); d.bad {
			return nil, errIndex
		}
		it := &room[0]
		if d.item(it, &contents[0], o) {
			contents = contents[1:]
		}
		x.stratum.items = append(x.stratum.items, it)
		room = room[1:]
	}
	x.stratum.whiteouts = d.paths(int(whiteouts))
	x.stratum.opaque = d.paths(int(opaque))
	if d.bad || len(d.rest) > 0 || len(d.blocks) > 0 || int64(d.arena.Len())+d.heavy != int64(text) {
		return nil, errIndex
	}
	return x, nil
}

// itemsAtOnce is how many items memory is taken for at a time.
const itemsAtOnce = 1024

// decoder reads what writer wrote. What cannot be read sets bad and is zero.
type decoder struct {
	blocks   []byte // not yet decompressed
	rest     []byte // of the block being read
	bad      bool
	arena    strings.Builder // all strings, one after the other
	last     string
	uid, gid int
	offset   int64
	extra    *Extra
	heavy    int64 // of text, what extras take beside their bytes
}

// block goes on to the next block, if this one was read to its end.
func (d *decoder) block() {
	if len(d.rest) > 0 || d.bad {
		return
	}
	size, n := binary.Uvarint(d.blocks)
	if n <= 0 || size > uint64(len(d.blocks)-n) {
		d.bad = true
		return
	}
	raw, err := expand(d.blocks[n:n+int(size)], maxBlock)
	d.blocks, d.rest, d.bad = d.blocks[n+int(size):], raw, err != nil || len(raw) == 0
}

// maxBlock is the size in bytes of the largest block: the largest entry, or path, may end it.
const maxBlock = blockSize + 3*maxPath + maxInFile*2*maxPath + 4*maxXattrs

// number reads a number that is at most most.
func (d *decoder) number(most uint64) uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > most {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) signed() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.bad, d.rest = true, nil
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// keep puts a string into the arena, which has room for all that the index promised.
func (d *decoder) keep(head string, tail []byte) string {
	if d.arena.Len()+len(head)+len(tail) > d.arena.Cap() {
		d.bad = true
		return ""
	}
	start := d.arena.Len()
	d.arena.WriteString(head)
	d.arena.Write(tail)
	return d.arena.String()[start:]
}

func (d *decoder) text(most uint64) string { return d.keep("", d.bytes(int(d.number(most)))) }

func (d *decoder) path() string {
	shared := d.number(uint64(len(d.last)))
	d.last = d.keep(d.last[:shared], d.bytes(int(d.number(maxPath+1-shared))))
	return d.last
}

func (d *decoder) paths(n int) []string {
	var list []string
	for range n {
		if d.block(); d.bad {
			return nil
		}
		list = append(list, d.path())
	}
	return list
}

// item reads an entry. Its contents, if it has any, are put into c; it reports whether they were.
func (d *decoder) item(it *item, c *remembered, o *origin) bool {
	flags := d.number(allFlags)
	e := &it.entry
	e.Path = d.path()
	e.Mode = fs.FileMode(d.number(1<<32 - 1))
	e.Caps, e.ELF, e.NotGo = flags&flagCaps != 0, flags&flagELF != 0, flags&flagNotGo != 0
	if flags&flagOwner != 0 {
		d.uid, d.gid = int(d.signed()), int(d.signed())
	}
	e.UID, e.GID = d.uid, d.gid
	if flags&flagLink != 0 {
		e.Link = d.text(maxPath + 1)
	}
	if flags&flagHardlink != 0 {
		it.hardlink = d.text(maxPath + 1)
	}
	if flags&flagExtra != 0 {
		e.Extra = d.rare()
	}
	if flags&flagFinds != 0 {
		var finds []sighting
		for range d.number(maxInFile) {
			finds = append(finds, sighting{Shape: d.text(maxPath), Offset: int64(d.number(maxImageSize))})
		}
		it.note(finds)
	}
	if flags&flagContent == 0 {
		if e.Mode.IsRegular() && it.hardlink == "" {
			it.content = held(nil)
		}
		return false
	}
	*c = remembered{from: o, sparse: flags&flagSparse != 0}
	e.Size = int64(d.number(maxImageSize))
	c.offset = d.offset + d.signed()
	d.offset = (c.offset + e.Size + tarBlock - 1) / tarBlock * tarBlock
	if c.pack = int32(d.number(maxPacked)); c.pack > 0 {
		c.at = int32(d.number(packSize + largeSetting))
	}
	if c.offset < 0 || !e.Mode.IsRegular() {
		d.bad = true
	}
	if !c.sparse && o.disk != nil {
		c.inner = &placed{blob: o.disk, offset: c.offset}
	}
	it.content = c
	return true
}

// rare reads what few entries have.
func (d *decoder) rare() *Extra {
	if d.number(1) == 0 {
		d.bad = d.bad || d.extra == nil
		return d.extra
	}
	x := &Extra{Major: d.signed(), Minor: d.signed()}
	for range d.number(maxXattrs) {
		if d.bad {
			return nil
		}
		x.Xattrs = append(x.Xattrs, Xattr{Name: d.text(maxXattrs), Value: d.text(maxXattrs)})
	}
	d.extra = x
	if d.heavy += x.weight() - int64(x.text()); d.heavy > maxMemory {
		d.bad = true
	}
	return x
}
