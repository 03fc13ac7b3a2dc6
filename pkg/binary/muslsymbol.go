package binary

import (
	"bytes"
	"strings"
)

// bind looks up every symbol, as musl does before main: the libraries in load order, then the program. Versions do not
// matter, but a definition that is not the default version is never found.
func (m *musl) bind() {
	defined := make(map[string]int) // how many objects define a name
	for _, o := range m.objects {
		for _, s := range o.elf.Defined {
			if s.index&versionHidden == 0 {
				defined[s.Name]++
			}
		}
	}
	own := make(map[string]bool, len(m.program.elf.Defined))
	for _, s := range m.program.elf.Defined {
		own[s.Name] = true
	}
	largeFile := m.largeFileNames()
	for _, o := range append(m.objects[1:len(m.objects):len(m.objects)], m.program) {
		for _, s := range o.elf.Undefined {
			have := defined[s.Name]
			if o == m.program && own[s.Name] {
				have-- // a copied symbol: the program's own definition does not count
			}
			base, is64 := strings.CutSuffix(s.Name, "64")
			if have > 0 || s.Weak || is64 && largeFile[base] && defined[base] > 0 {
				continue
			}
			m.missing(s)
			m.fail(127, "Error relocating %s: %s: symbol not found", o.name, s.Name)
		}
	}
}

// largeFileNames reads the list of functions for which musl 1.2.4 and later answers NAME64 with NAME out of the loader.
func (m *musl) largeFileNames() map[string]bool {
	names := map[string]bool{}
	i := bytes.Index(m.content, []byte("aio_cancel\x00aio_error\x00aio_fsync\x00"))
	for i >= 0 && i < len(m.content) && m.content[i] != 0 {
		name := cString(m.content[i:])
		names[name] = true
		i += len(name) + 1
	}
	return names
}
