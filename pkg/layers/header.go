package layers

import (
	"archive/tar"
	"fmt"
	"io/fs"
	"strings"
	"unsafe"
)

// itemOf translates a tar header. ok is false for what puts nothing into the tree. Nothing of the header is kept alive:
// a name may be part of an extended header of a MiB.
func itemOf(h *tar.Header, room *slab) (it *item, ok bool, err error) {
	if len(h.Linkname) > maxPath {
		return nil, false, limitError(fmt.Sprintf("link target of %.80q", h.Name), maxPath, "bytes")
	}
	it = room.next()
	it.entry = Entry{Mode: h.FileInfo().Mode(), UID: h.Uid, GID: h.Gid}
	if it.entry.Extra, err = extraOf(h, room.extra); err != nil {
		return nil, false, fmt.Errorf("%.80q: %w", h.Name, err)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		it.entry.Mode &^= fs.ModeType
		it.entry.Size = h.Size
		it.entry.Caps = it.entry.Extra.has(capability)
	case tar.TypeLink:
		it.entry.Caps = it.entry.Extra.has(capability)
		it.entry.Mode &^= fs.ModeType
		if it.hardlink, err = rooted(h.Linkname); err != nil {
			return nil, false, err
		}
	case tar.TypeSymlink:
		it.entry.Mode = fs.ModeSymlink | 0o777
		it.entry.Link = strings.Clone(h.Linkname)
	case tar.TypeDir:
		it.entry.Mode = it.entry.Mode&^fs.ModeType | fs.ModeDir
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
	case tar.TypeXGlobalHeader:
		return nil, false, nil
	default:
		return nil, false, fmt.Errorf("%.80q: unknown tar entry type %q", h.Name, h.Typeflag)
	}
	return it, true, nil
}

// slab allocates items many at a time, which takes an eighth less memory than one by one.
type slab struct {
	items []item
	used  int
	extra *Extra // of the last entry that has one
}

// slabItems is as many as the allocator has room for in 32 KiB, the largest of its size classes.
const slabItems = 32 << 10 / int(unsafe.Sizeof(item{}))

func (s *slab) next() *item {
	if s.used == len(s.items) {
		s.items, s.used = make([]item, slabItems), 0
	}
	s.used++
	return &s.items[s.used-1]
}

// weight is what the last item takes in memory.
func (s *slab) weight(it *item, h *tar.Header) int64 {
	weight := entryCost + int64(len(h.Name)+len(h.Linkname))
	if x := it.entry.Extra; x != nil && x != s.extra {
		s.extra = x
		weight += x.weight()
	}
	return weight
}

// back takes the last item back.
func (s *slab) back() {
	s.used--
	s.items[s.used] = item{}
}
