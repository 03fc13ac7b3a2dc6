package binary

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ldCache is /etc/ld.so.cache. Source: glibc sysdeps/generic/dl-cache.h, elf/dl-cache.c.
type ldCache struct {
	order   binary.ByteOrder
	entries []byte
	size    int      // of an entry: flags, offsets of name and path; in the new format also osversion and hwcap
	data    []byte   // what the offsets count in
	levels  []string // names of glibc-hwcaps subdirectories, by the index in an entry
}

const (
	cacheMagicOld  = "ld.so-1.7.0" // before glibc 2.2; ldconfig -c compat writes both formats into one file
	cacheMagicNew  = "glibc-ld.so.cache1.1"
	cacheHeaderOld = 16
	cacheHeaderNew = 48
	cacheEntryOld  = 12
	cacheEntryNew  = 24
	cacheExtension = 0xeaa42174 // magic of the extension directory
	cacheTagLevels = 1          // cache_extension_tag_glibc_hwcaps
	cacheLevelBit  = 1 << 62    // DL_CACHE_HWCAP_EXTENSION: the low half of the entry's hwcap is an index of a level
)

// readLDCache checks the header of a cache. A loader of byte order o does not take one of the other order.
func readLDCache(b []byte, o binary.ByteOrder) (*ldCache, error) {
	if !bytes.HasPrefix(b, []byte(cacheMagicOld)) {
		return readNewCache(b, o)
	}
	if len(b) < cacheHeaderOld {
		return nil, errors.New("the header is cut off")
	}
	end := cacheHeaderOld + cacheEntryOld*int64(o.Uint32(b[12:]))
	if end > int64(len(b)) {
		return nil, errors.New("the entries of the old format are cut off")
	}
	if next := (end + 7) &^ 7; next < int64(len(b)) {
		if c, err := readNewCache(b[next:], o); err == nil {
			return c, nil
		}
	}
	return &ldCache{order: o, entries: b[cacheHeaderOld:end], size: cacheEntryOld, data: b[end:]}, nil
}

// readNewCache reads a cache in the format of glibc 2.2 and later.
func readNewCache(b []byte, o binary.ByteOrder) (*ldCache, error) {
	if len(b) < cacheHeaderNew || !bytes.HasPrefix(b, []byte(cacheMagicNew)) {
		return nil, errors.New("not a cache of ld.so")
	}
	big := o.Uint16([]byte{0, 1}) == 1
	if flag := b[28] & 3; flag == 2 && big || flag == 3 && !big || flag == 1 { // 0: made before there was the flag
		return nil, errors.New("made for another byte order")
	}
	n := int64(o.Uint32(b[20:]))
	if n > int64(len(b)-cacheHeaderNew)/cacheEntryNew {
		return nil, fmt.Errorf("%d entries in %d bytes", n, len(b))
	}
	c := &ldCache{order: o, entries: b[cacheHeaderNew : cacheHeaderNew+n*cacheEntryNew], size: cacheEntryNew, data: b}
	c.readLevels()
	return c, nil
}

// readLevels reads the names of the glibc-hwcaps levels; a cache without the extension, or with a damaged one, has none.
func (c *ldCache) readLevels() {
	at := int64(c.order.Uint32(c.data[32:]))
	if at == 0 || at+8 > int64(len(c.data)) || c.order.Uint32(c.data[at:]) != cacheExtension {
		return
	}
	sections := c.data[at+8:]
	count := min(int(c.order.Uint32(c.data[at+4:])), len(sections)/16)
	for ; count > 0; count, sections = count-1, sections[16:] {
		off, size := int64(c.order.Uint32(sections[8:])), int64(c.order.Uint32(sections[12:]))
		if c.order.Uint32(sections) != cacheTagLevels || off+size > int64(len(c.data)) {
			continue
		}
		for b := c.data[off : off+size]; len(b) >= 4 && len(c.levels) < 64; b = b[4:] {
			c.levels = append(c.levels, c.text(c.order.Uint32(b)))
		}
	}
}

// text returns the string at an offset, "" if it is not in the file.
func (c *ldCache) text(offset uint32) string {
	if int64(offset) >= int64(len(c.data)) {
		return ""
	}
	b := c.data[offset:]
	return cString(b[:min(len(b), maxInterpreter)])
}

// lookup returns the path of a library, "" if the cache has none for these flags. Of several, the best level wins;
// levels are given best first.
func (c *ldCache) lookup(name string, flags uint32, levels []string) string {
	best, path := len(levels)+1, ""
	for e := c.entries; len(e) > 0; e = e[c.size:] {
		if c.order.Uint32(e) != flags || c.text(c.order.Uint32(e[4:])) != name {
			continue
		}
		rank := len(levels) // a plain entry
		if c.size == cacheEntryNew {
			if hwcap := c.order.Uint64(e[16:]); hwcap&cacheLevelBit != 0 {
				rank = c.rank(uint32(hwcap), levels)
			} else if hwcap != 0 {
				continue // the subdirectories of old versions
			}
		}
		if rank < best {
			best, path = rank, c.text(c.order.Uint32(e[8:]))
		}
	}
	return path
}

// rank is the place of an entry's level among those of the machine; past every other if it is not there.
func (c *ldCache) rank(index uint32, levels []string) int {
	if int64(index) < int64(len(c.levels)) {
		for i, l := range levels {
			if l == c.levels[index] {
				return i
			}
		}
	}
	return len(levels) + 1
}

// cacheFlags are the flags of the entries that a loader takes, by GOARCH. Source: glibc sysdeps/*/dl-cache.h.
var cacheFlags = map[string]uint32{
	"386": 0x3, "amd64": 0x303, "arm": 0x903, "arm64": 0xa03, "loong64": 0x1203, "mips": 0x3, "mipsle": 0x3,
	"mips64": 0x703, "mips64le": 0x703, "ppc64": 0x503, "ppc64le": 0x503, "riscv64": 0x1003, "s390x": 0x403,
}

// cached returns the path that ld.so.cache gives for a library, none without a cache.
func (g *glibc) cached(name string) []string {
	if !g.readCache {
		g.readCache = true
		g.loadCache()
	}
	if g.cache == nil {
		return nil
	}
	if p := g.cache.lookup(name, cacheFlags[g.program.elf.Arch], g.levels); strings.Contains(p, "/") {
		return []string{p}
	}
	return nil
}

// loadCache reads /etc/ld.so.cache; without one, or with one that ld.so would not take, there is no cache.
func (g *glibc) loadCache() {
	const name = "/etc/ld.so.cache"
	b, err := g.tree.config(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			g.unread(name, err)
		}
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	if g.program.elf.BigEndian {
		order = binary.BigEndian
	}
	g.cache, _ = readLDCache(b, order)
}
