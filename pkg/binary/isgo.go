package binary

import "io"

// IsGo reports whether a file of size bytes is an ELF file with Go's build information. It reads the headers and the
// writable data only, so that a caller can pass over an image's other programs quickly.
func IsGo(r io.ReaderAt, size int64) bool {
	f, err := openELF(r, size)
	if err != nil {
		return false
	}
	m, err := newMemory(f)
	if err != nil {
		return false
	}
	_, err = findBuildInfo(m)
	return err == nil
}
