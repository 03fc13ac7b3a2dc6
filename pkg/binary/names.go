package binary

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
)

// maxName is the longest function name that is printed; generic ones can be long.
const maxName = 4096

// names is what was found in the name table: the wanted names, and the functions that run before main. Both are by
// offset from pclntab.names.
type names struct {
	wanted map[uint32]string
	all    bitset // of wanted
	init   map[uint32]bool
}

// readNames walks the name table once. It holds the names of inlined functions too.
func readNames(m *memory, t *pclntab, wanted map[string]bool) (*names, error) {
	ns := &names{wanted: map[uint32]string{}, all: newBitset(t.namesEnd - t.names), init: map[uint32]bool{}}
	longest := 0
	for name := range wanted {
		longest = max(longest, len(name))
	}
	next, inside := t.names, false // where the next name starts; inside one that is too long to matter
	err := m.walk(t.names, t.namesEnd-t.names, maxName, func(address uint64, b []byte, n int) {
		i := int(next - address)
		for i < n {
			end := bytes.IndexByte(b[i:], 0)
			if end < 0 {
				next, inside = address+uint64(n), true
				return
			}
			if name := b[i : i+end]; !inside {
				offset := uint32(address + uint64(i) - t.names)
				if len(name) <= longest && wanted[string(name)] {
					ns.wanted[offset] = string(name)
					ns.all.set(uint64(offset))
				} else if isInit(name) {
					ns.init[offset] = true
				}
			}
			i, inside = i+end+1, false
		}
		next = address + uint64(i)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the function names: %w", err)
	}
	return ns, nil
}

// bitset is a set of small numbers.
type bitset []uint64

// newBitset returns an empty set for numbers below n.
func newBitset(n uint64) bitset { return make(bitset, n/64+1) }

func (s bitset) set(n uint64) { s[n/64] |= 1 << (n % 64) }

func (s bitset) has(n uint64) bool { return n/64 < uint64(len(s)) && s[n/64]>>(n%64)&1 != 0 }

// isInit tells the initialisation of a package ("net/http.init", "main.init.0") from a method of that name. Dots in
// the last element of an import path are written %2e. Source: cmd/internal/objabi/path.go, PathToPrefix.
func isInit(name []byte) bool {
	i := len(name)
	for i > 0 && name[i-1] >= '0' && name[i-1] <= '9' {
		i--
	}
	if i < len(name) { // a number comes after a dot
		if i == 0 || name[i-1] != '.' {
			return false
		}
		i--
	}
	if !bytes.HasSuffix(name[:i], []byte(".init")) {
		return false
	}
	i -= len(".init")
	pkg := name[bytes.LastIndexByte(name[:i], '/')+1 : i]
	return len(pkg) > 0 && !bytes.ContainsAny(pkg, ".(")
}

// packageOf returns the import path of a function by its name, "" if it has none.
func packageOf(name string) string {
	end := len(name)
	if i := strings.IndexAny(name, "[("); i >= 0 { // type arguments and receivers have paths of their own
		end = i
	}
	slash := strings.LastIndexByte(name[:end], '/') + 1
	dot := strings.IndexByte(name[slash:end], '.')
	if dot < 0 {
		return ""
	}
	return unescape(name[:slash+dot])
}

// unescape undoes the escaping of import paths.
func unescape(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	if s, err := url.PathUnescape(name); err == nil {
		return s
	}
	return name
}

// isStandard says whether an import path is of the standard library (its vendored modules included).
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return standard[first]
}

// standard are the first elements of the standard library's import paths. Source: go list std.
var standard = map[string]bool{
	"archive": true, "bufio": true, "bytes": true, "cmp": true, "compress": true, "container": true, "context": true,
	"crypto": true, "database": true, "debug": true, "embed": true, "encoding": true, "errors": true, "expvar": true,
	"flag": true, "fmt": true, "go": true, "hash": true, "html": true, "image": true, "index": true, "internal": true,
	"io": true, "iter": true, "log": true, "maps": true, "math": true, "mime": true, "net": true, "os": true,
	"path": true, "plugin": true, "reflect": true, "regexp": true, "runtime": true, "slices": true, "sort": true,
	"strconv": true, "strings": true, "structs": true, "sync": true, "syscall": true, "testing": true, "text": true,
	"time": true, "unicode": true, "unique": true, "unsafe": true, "vendor": true, "weak": true,
}
