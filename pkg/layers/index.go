package layers

import "encoding/binary"

// schema is the form of all that the cache keeps of layers. It changes with every change of what is read of a layer or
// how it is written down; that two builds of imgaudit never share an entry is the cache's own care.
const schema = "2"

// blockSize is the size in bytes from which on a block of an index is compressed and the next begun.
const blockSize = 256 << 10

// index is what the cache keeps of a layer: everything but contents, and where in its packs some of those are.
type index struct {
	stratum stratum
	tarSize int64
	entries int
}

// The flags of an entry in an index.
const (
	flagCaps = 1 << iota
	flagELF
	flagHardlink
	flagLink
	flagOwner   // uid and gid follow: they are not those of the entry before
	flagContent // size, offset and pack follow
	flagSparse  // the contents do not stand in the tar as they are
	flagFinds   // secrets follow
	flagNotGo
	flagExtra // the rare follows
	allFlags  = 1<<iota - 1
)

// encode writes an index: its numbers as varints, a path as how much it shares with the one before and the rest, all in
// blocks that are compressed one by one. It returns nil for a layer that is too large to be kept.
func (x *index) encode() []byte {
	s := &x.stratum
	text := 0
	var extra *Extra
	for _, it := range s.items {
		text += len(it.entry.Path) + len(it.entry.Link) + len(it.hardlink)
		if x := it.entry.Extra; x != nil && x != extra {
			extra = x
			text += int(x.weight())
		}
		for _, f := range it.finds() {
			text += len(f.Shape)
		}
	}
	for _, list := range [][]string{s.whiteouts, s.opaque} {
		for _, p := range list {
			text += len(p)
		}
	}
	if !bearable(uint64(text), uint64(len(s.items)), uint64(len(s.whiteouts)), uint64(len(s.opaque))) {
		return nil
	}
	w := writer{}
	for _, n := range []int{text, int(x.tarSize), x.entries, len(s.items), len(s.whiteouts), len(s.opaque)} {
		w.number(uint64(n))
	}
	for _, it := range s.items {
		w.item(it)
		w.block(blockSize)
	}
	for _, list := range [][]string{s.whiteouts, s.opaque} {
		for _, p := range list {
			w.path(p)
			w.block(blockSize)
		}
	}
	w.block(1)
	return w.blocks
}

// bearable tells whether what an index promises is within the bounds that hold for every image.
func bearable(text, items, whiteouts, opaque uint64) bool {
	const most = maxMemory
	return text <= most && items <= most && whiteouts <= most && opaque <= most && text+(items+whiteouts+opaque)*entryCost <= most
}

// writer writes an index.
type writer struct {
	blocks   []byte // compressed, each with its length before it
	out      []byte // the block being written
	last     string // path
	uid, gid int
	offset   int64 // where the contents before end
	extra    *Extra
}

// block ends the block if it has some bytes.
func (w *writer) block(least int) {
	if len(w.out) < least {
		return
	}
	squeezed := compress(w.out)
	w.blocks = binary.AppendUvarint(w.blocks, uint64(len(squeezed)))
	w.blocks = append(w.blocks, squeezed...)
	w.out = w.out[:0]
}

func (w *writer) number(n uint64) { w.out = binary.AppendUvarint(w.out, n) }
func (w *writer) signed(n int64)  { w.out = binary.AppendVarint(w.out, n) }

func (w *writer) text(s string) {
	w.number(uint64(len(s)))
	w.out = append(w.out, s...)
}

func (w *writer) path(p string) {
	shared := 0
	for shared < len(p) && shared < len(w.last) && p[shared] == w.last[shared] {
		shared++
	}
	w.number(uint64(shared))
	w.text(p[shared:])
	w.last = p
}

func (w *writer) item(it *item) {
	e := &it.entry
	c, hasContent := it.content.(*remembered)
	flags := uint64(0)
	for _, f := range []struct {
		on   bool
		flag uint64
	}{
		{e.Caps, flagCaps}, {e.ELF, flagELF}, {it.hardlink != "", flagHardlink}, {e.Link != "", flagLink},
		{e.UID != w.uid || e.GID != w.gid, flagOwner}, {hasContent, flagContent}, {hasContent && c.sparse, flagSparse},
		{it.secrets != nil, flagFinds}, {e.NotGo, flagNotGo}, {e.Extra != nil, flagExtra},
	} {
		if f.on {
			flags |= f.flag
		}
	}
	w.number(flags)
	w.path(e.Path)
	w.number(uint64(e.Mode))
	if flags&flagOwner != 0 {
		w.signed(int64(e.UID))
		w.signed(int64(e.GID))
		w.uid, w.gid = e.UID, e.GID
	}
	if flags&flagLink != 0 {
		w.text(e.Link)
	}
	if flags&flagHardlink != 0 {
		w.text(it.hardlink)
	}
	if flags&flagExtra != 0 {
		w.rare(e.Extra)
	}
	if flags&flagFinds != 0 {
		w.number(uint64(len(it.finds())))
		for _, f := range it.finds() {
			w.text(f.Shape)
			w.number(uint64(f.Offset))
		}
	}
	if flags&flagContent != 0 {
		w.number(uint64(e.Size))
		w.signed(c.offset - w.offset)
		w.offset = (c.offset + e.Size + tarBlock - 1) / tarBlock * tarBlock
		w.number(uint64(c.pack))
		if c.pack > 0 {
			w.number(uint64(c.at))
		}
	}
}

// rare writes what few entries have: 0 for the same as the last time, else 1 and what it is.
func (w *writer) rare(x *Extra) {
	if x == w.extra {
		w.number(0)
		return
	}
	w.extra = x
	w.number(1)
	w.signed(x.Major)
	w.signed(x.Minor)
	w.number(uint64(len(x.Xattrs)))
	for _, a := range x.Xattrs {
		w.text(a.Name)
		w.text(a.Value)
	}
}

// tarBlock is the unit of a tar.
const tarBlock = 512
