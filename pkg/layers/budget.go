package layers

import (
	"archive/tar"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// What is kept of a compressed layer while it is read, in bytes over the whole image. The rest is read again on demand.
const (
	keepPrograms  = 64 << 20 // programs that Go built, and for the moment any that may be
	keepSystem    = 6 << 20  // of the C library and the shells, see isSystem: what loaders read of them
	keepLibraries = 4 << 20  // the same of other ELF files of at most largeLibrary bytes
	keepSettings  = 8 << 20  // what tells how the image is set up, see isSetting
	keepSmall     = 4 << 20  // any other file of at most smallFile bytes
	smallFile     = 64 << 10
	largeSetting  = 4 << 20
	largeLibrary  = 4 << 20
	largeUnknown  = 16 << 20 // an ELF file without Go's note
)

// What things take in memory beside their own bytes, measured on an image of a million files.
const (
	entryCost = 280
	smallCost = 64
)

// budget is what may still be kept, and what may still be unpacked. It is shared by the layers of an image.
type budget struct {
	programs, system, libraries, settings, small atomic.Int64
	memory                                       atomic.Int64 // all of these, and the entries
	unpacked                                     atomic.Int64
	entries                                      int        // of one layer
	wide                                         sync.Mutex // held while a layer is read with maxWindow
}

func newBudget() *budget {
	b := &budget{entries: maxEntries}
	b.programs.Store(keepPrograms)
	b.system.Store(keepSystem)
	b.libraries.Store(keepLibraries)
	b.settings.Store(keepSettings)
	b.small.Store(keepSmall)
	b.memory.Store(maxMemory)
	b.unpacked.Store(maxImageSize)
	return b
}

// next is the budget of the next image of one run: what is kept, and the memory, is shared by all of them, the other
// bounds are its own.
func (b *budget) next() *budget {
	n := newBudget()
	n.programs.Store(b.programs.Load())
	n.system.Store(b.system.Load())
	n.libraries.Store(b.libraries.Load())
	n.settings.Store(b.settings.Load())
	n.small.Store(b.small.Load())
	n.memory.Store(b.memory.Load())
	return n
}

// keeps takes the bytes of a file that is no program from the budget, if they are worth it and left.
func (b *budget) keeps(h *tar.Header) bool {
	switch {
	case h.Size <= largeSetting && isSetting(h.Name):
		return b.keep(&b.settings, h.Size+smallCost)
	case h.Size <= smallFile:
		return b.keep(&b.small, h.Size+smallCost)
	}
	return false
}

// program takes the bytes of an ELF file from the budget, with Go's note or without, until it is known whether Go built
// it. The tools of a Go distribution, which are no service, are not worth it.
func (b *budget) program(h *tar.Header, note bool) bool {
	return (note || h.Size <= largeUnknown) && !strings.Contains(h.Name, "/pkg/tool/") && b.keep(&b.programs, h.Size)
}

// library takes the bytes that are kept of an ELF file which Go did not build.
func (b *budget) library(h *tar.Header, n int64) bool {
	if isSystem(h.Name) {
		return b.keep(&b.system, n)
	}
	return h.Size <= largeLibrary && b.keep(&b.libraries, n)
}

// isSystem tells the files that nearly every program which is not static comes to: the loader, the C library and its
// kin, and the shells that start it.
func isSystem(name string) bool {
	base := path.Base(name)
	stem, _, library := strings.Cut(base, ".so")
	if !library {
		return slices.Contains([]string{"sh", "ash", "bash", "dash", "busybox"}, base)
	}
	stem, _, _ = strings.Cut(stem, "-") // libc-2.31.so, ld-musl-x86_64.so.1
	return strings.HasPrefix(stem, "libnss_") || slices.Contains([]string{
		"ld", "libc", "libm", "libpthread", "libdl", "librt", "libresolv", "libgcc_s", "libstdc++", "libtinfo",
	}, stem)
}

func (b *budget) keep(part *atomic.Int64, n int64) bool {
	if !take(part, n) {
		return false
	}
	if !take(&b.memory, n) {
		part.Add(n)
		return false
	}
	return true
}

// release gives back what keep took.
func (b *budget) release(part *atomic.Int64, n int64) {
	part.Add(n)
	b.memory.Add(n)
}

// hold takes the memory of an entry from the image's bound.
func (b *budget) hold(n int64) error {
	if !take(&b.memory, n) {
		return limitError("names and entries of all layers", maxMemory, "bytes of memory")
	}
	return nil
}

// unpack takes uncompressed bytes from the image's bound.
func (b *budget) unpack(n int64) error {
	if !take(&b.unpacked, n) {
		return limitError("uncompressed layers", maxImageSize, "bytes")
	}
	return nil
}

// plausible refuses a layer of which so many bytes come out for so few.
func plausible(out, in int64) error {
	if out > bombSize && out/maxRatio > in {
		return limitError("compressed layer", maxRatio, "bytes for each one stored")
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
