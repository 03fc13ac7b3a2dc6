package binary

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
)

// musl simulates the loader of musl libc. Source: ldso/dynlink.c; messages and order checked by running musl 1.2.3.
type musl struct {
	*simulation
	preload    string   // more of LD_PRELOAD, by the loader's own command line
	systemPath []string // of libraries, nil until first wanted
	reserved   []string // names of libraries that are the loader itself
}

// muslReserved are the names that musl answers itself, in the form they stand in the loader.
const muslReserved = "c.pthread.rt.m.dl.util.xnet."

// run loads the program's libraries and binds every symbol, as musl does before main.
func (m *musl) run() {
	m.reserved = m.reservedNames()
	m.add(m.loader)
	for _, name := range strings.FieldsFunc(m.preload+" "+m.variable("LD_PRELOAD"), isPreloadSeparator) {
		m.load(name, m.program, viaPreload) // a missing one is passed over in silence
	}
	for i := 0; i < len(m.objects); i++ {
		o := m.objects[i]
		if o == m.loader {
			continue
		}
		for _, name := range o.elf.Needed {
			if !m.within() {
				return
			}
			if found, reason := m.load(name, o, o.label); found == nil {
				m.fail(127, "Error loading shared library %s: %s (needed by %s)", name, reason, o.name)
			}
		}
	}
	if !m.partial {
		m.bind()
	}
}

// isPreloadSeparator says what stands between the names of LD_PRELOAD.
func isPreloadSeparator(r rune) bool { return r == ':' || r == ' ' || r >= '\t' && r <= '\r' }

// load finds a library and adds it to the objects; nil and the reason if it cannot. by is what the report names.
// A missing preload is not reported.
func (m *musl) load(name string, needer *object, by string) (*object, string) {
	lib := Library{Name: name, By: by}
	o, reason := m.search(&lib, needer)
	if o != nil && o.label == "" { // new
		o.label, o.loader = name, needer
		m.add(o)
		m.out.Libraries = append(m.out.Libraries, lib)
	} else if o == m.loader && m.names[name] == nil || o == nil && by != viaPreload {
		m.out.Libraries = append(m.out.Libraries, lib)
	}
	if o != nil {
		m.answer(name, o)
	}
	return o, reason
}

// search returns the object for a name: one already loaded, or a new one without a label; nil and the reason if there
// is none.
func (m *musl) search(lib *Library, needer *object) (*object, string) {
	if strings.Contains(lib.Name, "/") {
		return m.try(lib, viaPath, lib.Name)
	}
	if m.isLoader(lib.Name) {
		lib.Path, lib.Via = m.loader.name, viaLoader
		return m.loader, ""
	}
	if o := m.names[lib.Name]; o != nil {
		return o, ""
	}
	reason := muslNoFile
	for _, list := range m.lists(needer) {
		for _, dir := range list.dirs {
			var o *object
			o, reason = m.try(lib, list.via, dir+"/"+lib.Name)
			if o != nil || reason != muslNoFile && reason != muslNoDirectory {
				return o, reason
			}
		}
	}
	return nil, reason
}

// try looks at one path.
func (m *musl) try(lib *Library, via, p string) (*object, string) {
	lib.Searched = append(lib.Searched, p)
	o, reason := m.open(lib.Name, p)
	switch {
	case o == m.loader:
		lib.Path, lib.Via = m.loader.name, viaLoader
	case o != nil:
		lib.Path, lib.Via = p, via
	}
	return o, reason
}

// The errors in musl's words. The first two let the search go on.
const (
	muslNoFile      = "No such file or directory"
	muslNoDirectory = "Not a directory"
	muslLoop        = "Symbolic link loop"
	muslDirectory   = "Is a directory"
	muslNoELF       = "Exec format error"
)

// open maps the file at a path. The first file found decides, whatever is in it.
func (m *musl) open(name, p string) (*object, string) {
	f, err := m.tree.open(p)
	switch {
	case errors.Is(err, errLoop):
		return nil, muslLoop
	case errors.Is(err, errNotDirectory):
		return nil, muslNoDirectory
	case errors.Is(err, fs.ErrNotExist):
		return nil, muslNoFile
	case errors.Is(err, errNotRegular):
		return nil, muslDirectory
	case errors.Is(err, errLimit):
		m.unread(p, err)
		return nil, muslNoFile
	case err != nil:
		return m.unknown(p, unrooted(p), err), ""
	}
	defer f.close()
	if o := m.files[f.real]; o != nil && o != m.program {
		m.answer(name, o)
		return o, ""
	}
	e, err := readELF(f, f.size, false)
	switch {
	case errors.Is(err, ErrNotELF), err == nil && e.Type != "ET_DYN" && e.Type != "ET_EXEC":
		return nil, muslNoELF
	case err != nil:
		return m.unknown(p, f.real, err), ""
	case e.Class != m.program.elf.Class || e.Machine != m.program.elf.Machine: // what happens then is undefined
		return m.unknown(p, f.real, errors.New("built for another machine, which musl does not check")), ""
	case isLibc(e):
		return m.loader, ""
	}
	return &object{name: p, real: f.real, elf: e}, ""
}

// isLibc says whether a library is a C library by the two symbols that musl looks at; it then uses itself instead.
func isLibc(e *ELF) bool {
	found := 0
	for _, s := range e.Defined {
		if (s.Name == "__libc_start_main" || s.Name == "stdin") && s.index&versionHidden == 0 {
			found++
		}
	}
	return found >= 2
}

// isLoader says whether a name stands for the loader itself.
func (m *musl) isLoader(name string) bool {
	if name == m.loader.name {
		return true
	}
	for _, r := range m.reserved {
		if strings.HasPrefix(name, "lib"+r+".") {
			return true
		}
	}
	return false
}

// reservedNames reads the list of names out of the loader.
func (m *musl) reservedNames() []string {
	list := muslReserved
	if i := bytes.Index(m.content, []byte("c.pthread.rt.")); i >= 0 {
		list = cString(m.content[i:min(len(m.content), i+256)])
	}
	return strings.Split(strings.TrimSuffix(list, "."), ".")
}
