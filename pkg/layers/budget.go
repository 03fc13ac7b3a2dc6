package layers

import (
	"archive/tar"
	"path"
	"strings"
	"sync/atomic"
)

// What is kept of a compressed layer while it is read, in bytes over the whole image. The rest is read again on demand.
const (
	keepPrograms = 96 << 20 // ELF files
	keepSettings = 16 << 20 // what tells how the image is set up, see isSetting
	keepSmall    = 16 << 20 // any other file of at most smallFile bytes
	smallFile    = 64 << 10
	largeSetting = 4 << 20
)

// budget is what may still be kept, and what may still be unpacked. It is shared by the layers of an image.
type budget struct {
	programs, settings, small atomic.Int64
	unpacked                  atomic.Int64
	entries                   int // of one layer
}

func newBudget() *budget {
	b := &budget{entries: maxEntries}
	b.programs.Store(keepPrograms)
	b.settings.Store(keepSettings)
	b.small.Store(keepSmall)
	b.unpacked.Store(maxImageSize)
	return b
}

// keeps takes the bytes of a file from the budget, if they are worth it and left.
func (b *budget) keeps(h *tar.Header, elf bool) bool {
	switch {
	case elf:
		return take(&b.programs, h.Size)
	case isSetting(h.Name) && h.Size <= largeSetting:
		return take(&b.settings, h.Size)
	case h.Size <= smallFile:
		return take(&b.small, h.Size)
	}
	return false
}

// unpack takes uncompressed bytes from the image's bound.
func (b *budget) unpack(n int64) error {
	if !take(&b.unpacked, n) {
		return limitError("uncompressed layers", maxImageSize, "bytes")
	}
	return nil
}

// entry counts an entry of a layer that has had some already.
func (b *budget) entry(count *int) error {
	if *count++; *count > b.entries {
		return limitError("layer", int64(b.entries), "entries")
	}
	return nil
}

func take(left *atomic.Int64, n int64) bool {
	if left.Add(-n) >= 0 {
		return true
	}
	left.Add(n)
	return false
}

// isSetting tells files that are asked for in most audits: users, roots, zones, package databases.
func isSetting(name string) bool {
	name = path.Clean("/" + name)
	for _, dir := range []string{"/etc/", "/usr/share/zoneinfo/", "/usr/share/ca-certificates/", "/usr/local/share/ca-certificates/",
		"/usr/lib/os-release", "/var/lib/dpkg/status", "/lib/apk/db/", "/usr/lib/apk/db/", "/usr/local/go/lib/time/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}
