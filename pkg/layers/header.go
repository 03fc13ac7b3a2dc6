package layers

import (
	"archive/tar"
	"fmt"
	"io/fs"
)

// itemOf translates a tar header. ok is false for what puts nothing into the tree.
func itemOf(h *tar.Header) (it item, ok bool, err error) {
	if len(h.Linkname) > maxPath {
		return it, false, limitError(fmt.Sprintf("link target of %.80q", h.Name), maxPath, "bytes")
	}
	info := h.FileInfo()
	it.entry = Entry{Mode: info.Mode(), UID: h.Uid, GID: h.Gid}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		it.entry.Mode &^= fs.ModeType
		it.entry.Size = h.Size
		it.entry.Caps = h.PAXRecords["SCHILY.xattr.security.capability"] != ""
	case tar.TypeLink:
		it.entry.Mode &^= fs.ModeType
		if it.hardlink, err = rooted(h.Linkname); err != nil {
			return it, false, err
		}
	case tar.TypeSymlink:
		it.entry.Mode = fs.ModeSymlink | 0o777
		it.entry.Link = h.Linkname
	case tar.TypeDir:
		it.entry.Mode = it.entry.Mode&^fs.ModeType | fs.ModeDir
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
	case tar.TypeXGlobalHeader:
		return it, false, nil
	default:
		return it, false, fmt.Errorf("%.80q: unknown tar entry type %q", h.Name, h.Typeflag)
	}
	return it, true, nil
}
