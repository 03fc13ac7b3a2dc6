package binary

import (
	"bytes"
	"errors"
)

// gcompat follows the loader of Alpine's package gcompat, a static program in the place of glibc's loader: it starts
// musl's loader on the program and has it preload a library with the names that musl lacks. Both paths are compiled
// into it. The result is false if the interpreter is something else.
func (s *simulation) gcompat() (preload string, ok bool) {
	loader, preload := compiledPath(s.content, "/lib/ld-musl-"), compiledPath(s.content, "/lib/libgcompat.so.")
	if loader == "" || preload == "" {
		return "", false
	}
	f, err := s.tree.open(loader)
	if err != nil {
		s.unread(loader, err)
		return "", false
	}
	defer f.close()
	e, err := readELF(f, f.size, false)
	if err != nil {
		s.unread(loader, err)
		return "", false
	}
	content := make([]byte, min(f.size, maxLoader))
	if n, err := f.ReadAt(content, 0); n < len(content) {
		s.unread(loader, err)
		return "", false
	}
	if loaderLibc(e, content) != Musl {
		s.unread(loader, errors.New("not musl's loader"))
		return "", false
	}
	s.loader, s.content = &object{name: loader, real: f.real, label: loader, elf: e}, content
	return preload, true
}

// compiledPath returns the string in a file that begins with a prefix, "" if there is none.
func compiledPath(content []byte, prefix string) string {
	i := bytes.Index(content, []byte("\x00"+prefix))
	if i < 0 {
		return ""
	}
	i++
	return cString(content[i:min(len(content), i+maxPath)])
}
