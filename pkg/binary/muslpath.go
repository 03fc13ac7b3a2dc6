package binary

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// muslDefaultPath is searched when there is no /etc/ld-musl-ARCH.path.
const muslDefaultPath = "/lib:/usr/local/lib:/usr/lib"

// lists returns the search path for a library that needer wants.
func (m *musl) lists(needer *object) []searchList {
	lists := []searchList{{viaEnv, muslPath(m.variable("LD_LIBRARY_PATH"))}}
	for o := needer; o != nil; o = o.loader {
		via, dirs := viaRunPath, o.elf.RunPath
		if dirs == nil {
			via, dirs = viaRPath, o.elf.RPath
		}
		if len(dirs) == 0 {
			continue
		}
		if o.rpath == nil {
			o.rpath = m.origin(o, dirs)
		}
		lists = append(lists, searchList{via, o.rpath})
	}
	if m.systemPath == nil {
		m.systemPath = m.readSystemPath()
	}
	return append(lists, searchList{viaMusl, m.systemPath})
}

// muslPath splits a search path; empty elements are passed over.
func muslPath(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '\n' })
}

// origin expands $ORIGIN. Another "$" makes musl ignore the whole path, and so does a secure program's own $ORIGIN.
func (m *musl) origin(o *object, dirs []string) []string {
	joined := strings.Join(dirs, ":")
	if !strings.Contains(joined, "$") {
		return muslPath(joined)
	}
	dir := path.Dir(o.name)
	if o == m.program {
		if m.secure {
			return []string{}
		}
		dir = path.Dir("/" + o.real) // from /proc/self/exe
	}
	joined = strings.NewReplacer("${ORIGIN}", dir, "$ORIGIN", dir).Replace(joined)
	if strings.Contains(joined, "$") {
		return []string{}
	}
	return muslPath(joined)
}

// readSystemPath reads /etc/ld-musl-ARCH.path. Its prefix and ARCH come from the name of the loader and its content.
func (m *musl) readSystemPath() []string {
	prefix := path.Dir(path.Dir(m.loader.name))
	if prefix == "/" || prefix == "." {
		prefix = ""
	}
	name := "/etc/ld-musl-" + m.arch() + ".path"
	b, err := m.tree.config(prefix + name)
	if errors.Is(err, fs.ErrNotExist) {
		return muslPath(muslDefaultPath)
	}
	if err != nil {
		m.unread(prefix+name, err)
		return []string{}
	}
	return append([]string{}, muslPath(cString(b))...)
}

// arch returns musl's name of the machine, which is compiled into the loader.
func (m *musl) arch() string {
	const mark = "/etc/ld-musl-"
	if i := bytes.Index(m.content, []byte(mark)); i >= 0 {
		if name, ok := strings.CutSuffix(cString(m.content[i+len(mark):min(len(m.content), i+256)]), ".path"); ok {
			return name
		}
	}
	name := path.Base(m.loader.real)
	name = strings.TrimPrefix(strings.TrimPrefix(name, "ld-musl-"), "libc.musl-")
	return strings.TrimSuffix(name, ".so.1")
}
