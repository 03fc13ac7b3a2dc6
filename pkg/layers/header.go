package layers

import (
	"archive/tar"
	"fmt"
	"io/fs"
	"strings"
)

// capability is the extended header of a file's capabilities, as libarchive, GNU tar and Go write it.
const capability = "SCHILY.xattr.security.capability"

// itemOf translates a tar header. ok is false for what puts nothing into the tree. Nothing of the header is kept alive:
// a name may be part of an extended header of a MiB.
func itemOf(h *tar.Header, room *slab) (it *item, ok bool, err error) {
	if len(h.Linkname) > maxPath {
		return nil, false, limitError(fmt.Sprintf("link target of %.80q", h.Name), maxPath, "bytes")
	}
	it = room.next()
	it.entry = Entry{Mode: h.FileInfo().Mode(), UID: h.Uid, GID: h.Gid}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		it.entry.Mode &^= fs.ModeType
		it.entry.Size = h.Size
		it.entry.Caps = h.PAXRecords[capability] != ""
	case tar.TypeLink:
		it.entry.Caps = h.PAXRecords[capability] != ""
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
type slab struct{ free []item }

func (s *slab) next() *item {
	if len(s.free) == 0 {
		s.free = make([]item, 256)
	}
	it := &s.free[0]
	s.free = s.free[1:]
	return it
}
