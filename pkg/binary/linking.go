package binary

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// simulation is one run of a dynamic loader.
type simulation struct {
	tree    *tree
	env     map[string]string
	secure  bool
	program *object
	loader  *object // the interpreter
	content []byte  // of the interpreter's file: what is compiled into it decides where it searches
	objects []*object
	names   map[string]*object // what answers to a name
	files   map[string]*object // what a file became, by object.real
	out     *Linking

	missed  map[Symbol]bool // what is in out.MissingSymbols
	held    int             // bytes of symbols in memory
	partial bool            // the content of a library is unknown
	stopped bool            // a limit was met
}

// object is a file that the loader has mapped, or the place of one that it could not.
type object struct {
	name   string // the loader's name of it: the path it was opened by
	real   string // after following symlinks: two names of one file are one object
	label  string // how the report calls it: the program's path, or the name in NEEDED
	elf    *ELF
	loader *object  // the object that first needed it, nil for the program
	rpath  []string // DT_RPATH expanded, once asked for
}

// resolve follows execve to the interpreter, finds out whose it is and runs it.
func (e *ELF) resolve(root fs.FS, path string, env []string, secure bool) *Linking {
	out := &Linking{Interpreter: e.Interpreter}
	if e.Interpreter == "" {
		return out
	}
	s := &simulation{tree: newTree(root), env: environment(env), secure: secure, out: out,
		missed: map[Symbol]bool{}, names: map[string]*object{}, files: map[string]*object{}}
	real, err := s.tree.real(path)
	if err != nil {
		real = path
	}
	s.program = &object{name: path, real: real, label: path, elf: e}
	out.Wants = wantedLibc(e)
	if !s.execve() {
		return out
	}
	s.add(s.program)
	switch out.Has = loaderLibc(s.loader.elf, s.content); out.Has {
	case Glibc:
		(&glibc{simulation: s}).run()
	case Musl:
		(&musl{simulation: s}).run()
	default:
		if preload, ok := s.gcompat(); ok {
			out.Has = Musl
			(&musl{simulation: s, preload: preload}).run()
		} else if len(out.Unread) == 0 {
			s.unread(e.Interpreter, errors.New("this loader is neither glibc's nor musl's"))
		}
	}
	return out
}

// execve does the kernel's part: it opens the interpreter and checks it. Source: fs/binfmt_elf.c, load_elf_binary.
func (s *simulation) execve() bool {
	fail := func(text string) bool {
		s.out.Failure = fmt.Sprintf("exec %s: %s", s.program.name, text)
		return false
	}
	f, err := s.tree.open(s.program.elf.Interpreter)
	switch {
	case errors.Is(err, errLoop):
		return fail("too many levels of symbolic links")
	case errors.Is(err, errNotDirectory):
		return fail("not a directory")
	case errors.Is(err, fs.ErrNotExist):
		return fail("no such file or directory")
	case errors.Is(err, errNotRegular):
		return fail("permission denied")
	case err != nil:
		s.unread(s.program.elf.Interpreter, err)
		return false
	}
	defer f.close()
	s.out.InterpreterPath = "/" + f.real
	if f.mode&0o111 == 0 {
		return fail("permission denied")
	}
	e, err := readELF(f, f.size, false)
	switch {
	case errors.Is(err, ErrNotELF), err == nil && (e.Class != s.program.elf.Class || e.Machine != s.program.elf.Machine):
		return fail("accessing a corrupted shared library") // ELIBBAD
	case err != nil:
		s.unread(s.program.elf.Interpreter, err)
		return false
	}
	s.content = make([]byte, min(f.size, maxLoader))
	if n, err := f.ReadAt(s.content, 0); n < len(s.content) {
		s.unread(s.program.elf.Interpreter, err)
		return false
	}
	name := s.program.elf.Interpreter
	s.loader = &object{name: name, real: f.real, label: name, elf: e}
	return true
}

// unread notes a file that could not be looked at.
func (s *simulation) unread(path string, err error) {
	if errors.Is(err, errLimit) {
		if s.stopped {
			return
		}
		s.stopped, path = true, s.program.name
	}
	s.out.Unread = append(s.out.Unread, fmt.Sprintf("%s: %v", path, err))
}

// missing adds a symbol to the report, once.
func (s *simulation) missing(sym Symbol) {
	if !s.missed[sym] && len(s.missed) < maxMissing {
		s.missed[sym] = true
		s.out.MissingSymbols = append(s.out.MissingSymbols, sym)
	}
}

// answer lets an object be found by a name, unless another one has it already.
func (s *simulation) answer(name string, o *object) {
	if _, taken := s.names[name]; !taken && name != "" {
		s.names[name] = o
	}
}

// add appends a new object.
func (s *simulation) add(o *object) {
	s.objects = append(s.objects, o)
	s.files[o.real] = o
	s.held += o.elf.held
}

// fail records the first failure.
func (s *simulation) fail(code int, format string, args ...any) {
	if s.out.Failure == "" {
		s.out.Failure, s.out.ExitCode = fmt.Sprintf(format, args...), code
	}
}

// unknown is the object for a file that is there and could not be read: what it needs and defines is not known.
func (s *simulation) unknown(path, real string, err error) *object {
	s.unread(path, err)
	s.partial = true
	return &object{name: path, real: real, elf: &ELF{}}
}

// variable returns what an environment variable holds, "" for a secure program: the loader ignores it then.
func (s *simulation) variable(name string) string {
	if s.secure {
		return ""
	}
	return s.env[name]
}

// environment splits "K=V"; the last of two equal names counts.
func environment(env []string) map[string]string {
	m := make(map[string]string, len(env))
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		m[k] = v
	}
	return m
}

// wantedLibc tells the libc that a program was linked for. Version needs are the stronger sign: musl has none, and an
// interpreter can be patched.
func wantedLibc(e *ELF) Libc {
	for _, need := range e.VersionNeeds {
		for _, v := range need.Versions {
			if strings.HasPrefix(v, "GLIBC_") {
				return Glibc
			}
		}
	}
	name := e.Interpreter[strings.LastIndexByte(e.Interpreter, '/')+1:]
	switch {
	case strings.HasPrefix(name, "ld-musl-"):
		return Musl
	case strings.HasPrefix(name, "ld-linux"), strings.HasPrefix(name, "ld.so."), strings.HasPrefix(name, "ld64.so."):
		return Glibc
	}
	return OtherLibc
}

// loaderLibc tells whose loader a file is, whatever its name: glibc's defines versions of its own, musl's is the C
// library itself and defines none.
func loaderLibc(e *ELF, content []byte) Libc {
	for _, v := range e.VersionDefs {
		if strings.HasPrefix(v, "GLIBC_") {
			return Glibc
		}
	}
	if len(e.VersionDefs) > 0 {
		return OtherLibc
	}
	if bytes.Contains(content, []byte("musl libc (")) {
		return Musl
	}
	for _, s := range e.Defined {
		if s.Name == "__libc_start_main" {
			return Musl
		}
	}
	return OtherLibc
}
