package binary

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// cacheEntry is an entry of a cache to be written.
type cacheEntry struct {
	flags      uint32
	name, path string
	hwcap      uint64
}

// newCache writes a cache in the format of glibc 2.2 and later.
func newCache(o binary.ByteOrder, levels []string, entries ...cacheEntry) []byte {
	head := append([]byte(cacheMagicNew), make([]byte, cacheHeaderNew-len(cacheMagicNew))...)
	o.PutUint32(head[20:], uint32(len(entries)))
	head[28] = 2
	if o == binary.ByteOrder(binary.BigEndian) {
		head[28] = 3
	}
	start := len(head) + cacheEntryNew*len(entries)
	var text []byte
	str := func(s string) uint32 {
		at := start + len(text)
		text = append(append(text, s...), 0)
		return uint32(at)
	}
	var body []byte
	for _, e := range entries {
		b := make([]byte, cacheEntryNew)
		o.PutUint32(b, e.flags)
		o.PutUint32(b[4:], str(e.name))
		o.PutUint32(b[8:], str(e.path))
		o.PutUint64(b[16:], e.hwcap)
		body = append(body, b...)
	}
	var index []byte
	for _, l := range levels {
		index = append(index, 0, 0, 0, 0)
		o.PutUint32(index[len(index)-4:], str(l))
	}
	for (start+len(text))%4 != 0 {
		text = append(text, 0)
	}
	extension := make([]byte, 8+16)
	at := start + len(text)
	o.PutUint32(head[32:], uint32(at))
	o.PutUint32(extension, cacheExtension)
	o.PutUint32(extension[4:], 1)
	o.PutUint32(extension[8:], cacheTagLevels)
	o.PutUint32(extension[16:], uint32(at+len(extension)))
	o.PutUint32(extension[20:], uint32(len(index)))
	return bytes.Join([][]byte{head, body, text, extension, index}, nil)
}

func TestLDCache(t *testing.T) {
	levels := []string{"x86-64-v4", "x86-64-v3", "x86-64-v2"}
	for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		b := newCache(o, []string{"x86-64-v2", "x86-64-v3", "other"},
			cacheEntry{0x303, "liba.so.1", "/lib/liba.so.1", 0},
			cacheEntry{0x3, "liba.so.1", "/lib32/liba.so.1", 0},
			cacheEntry{0x303, "libb.so.1", "/v2/libb.so.1", cacheLevelBit},
			cacheEntry{0x303, "libb.so.1", "/v3/libb.so.1", cacheLevelBit | 1},
			cacheEntry{0x303, "libb.so.1", "/other/libb.so.1", cacheLevelBit | 2},
			cacheEntry{0x303, "libb.so.1", "/lib/libb.so.1", 0},
			cacheEntry{0x303, "libc.so.1", "/tls/libc.so.1", 1 << 63},
			cacheEntry{0x303, "libd.so.1", "/none/libd.so.1", cacheLevelBit | 9},
		)
		for _, b := range [][]byte{b, append(append([]byte(cacheMagicOld), make([]byte, 5)...), b...)} {
			c, err := readLDCache(b, o)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"liba.so.1": "/lib/liba.so.1", "libb.so.1": "/v3/libb.so.1", "libc.so.1": "", "libd.so.1": "", "libe.so.1": ""} {
				if got := c.lookup(name, 0x303, levels); got != want {
					t.Errorf("%v: %s = %q, want %q", o, name, got, want)
				}
			}
			if got := c.lookup("libb.so.1", 0x303, nil); got != "/lib/libb.so.1" {
				t.Errorf("%v: without levels %q", o, got)
			}
		}
	}
	if _, err := readLDCache(newCache(binary.BigEndian, nil), binary.LittleEndian); err == nil {
		t.Error("a cache of the other byte order was taken")
	}
}

func FuzzLDCache(f *testing.F) {
	b := newCache(binary.LittleEndian, []string{"x86-64-v2"}, cacheEntry{0x303, "liba.so.1", "/lib/liba.so.1", cacheLevelBit})
	f.Add(b)
	f.Add(append([]byte(cacheMagicOld+"\x00\x01\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00"), b...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			if c, err := readLDCache(b, o); err == nil {
				c.lookup("liba.so.1", 0x303, []string{"x86-64-v2"})
			}
		}
	})
}
