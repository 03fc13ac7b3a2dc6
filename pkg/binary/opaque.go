package binary

import (
	"bytes"
	"errors"
)

// What Binary.Opaque says.
const (
	opaqueUPX     = "packed with UPX"
	opaqueGarbled = "obfuscated: function names are gone"
)

// upxMagic is in the header that UPX puts behind the program headers, and again at the end of the file.
// Source: upx src/conf.h, UPX_MAGIC_LE32.
var upxMagic = []byte("UPX!")

// isUPX says whether a file is packed by UPX: its mark stands at both ends.
func isUPX(f *elfFile) bool {
	head, err := f.clone().bytes(0, uint64(min(f.size, 1024)))
	if err != nil || !bytes.Contains(head, upxMagic) {
		return false
	}
	n := min(f.size, 256)
	tail, err := f.clone().bytes(uint64(f.size-n), uint64(n))
	return err == nil && bytes.Contains(tail, upxMagic)
}

// opaqueBecause says why the function table of a Go program could not be used.
func opaqueBecause(t *pclntab, info *GoInfo, err error) string {
	switch {
	case t != nil && t.format == garbled, t != nil && info != nil && info.Version == "unknown":
		return opaqueGarbled
	case errors.Is(err, errNoTable):
		return "the function table is gone"
	case err != nil:
		return "the function table cannot be read: " + err.Error()
	}
	return ""
}
