package binary

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// glibc simulates ld.so of the GNU C library. Sources: ld.so(8); glibc elf/rtld.c, elf/dl-load.c, elf/dl-deps.c;
// messages and order checked by running glibc 2.36.
type glibc struct {
	*simulation
	systemDirs []string
	levels     []string // subdirectories of glibc-hwcaps, best first
	cache      *ldCache // nil if there is none
	readCache  bool

	listed     bool   // the loader is among the objects
	otherClass bool   // the search met a library of the other class
	reason     string // the system's word on the last path tried
}

// run loads the preloaded objects and the program's libraries, breadth first, then checks versions and binds symbols.
func (g *glibc) run() {
	g.systemDirs = systemDirs(g.content, g.program.elf.Arch)
	g.levels = hardwareLevels(g.content, g.program.elf.Arch)
	g.answer(g.loader.name, g.loader)
	g.answer(g.loader.elf.SOName, g.loader)
	g.files[g.loader.real] = g.loader
	g.preload()
	complete := true
	for i := 0; i < len(g.objects); i++ {
		o := g.objects[i]
		if o == g.loader {
			continue
		}
		for _, name := range o.elf.Needed {
			if !g.within() {
				return
			}
			if found, reason := g.load(name, o, o.label); found == nil {
				complete = false
				g.fail(127, "%s: error while loading shared libraries: %s", g.program.name, reason)
			}
		}
	}
	g.checkVersions()
	if complete && !g.partial && len(g.out.MissingVersions) == 0 {
		g.bind()
	}
}

// preload loads what LD_PRELOAD and /etc/ld.so.preload name. An object that cannot be loaded is only complained of.
func (g *glibc) preload() {
	for _, name := range strings.FieldsFunc(g.variable("LD_PRELOAD"), func(r rune) bool { return r == ':' || r == ' ' }) {
		g.load(name, g.program, viaPreload)
	}
	b, err := g.tree.config("/etc/ld.so.preload")
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			g.unread("/etc/ld.so.preload", err)
		}
		return
	}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		for _, name := range strings.FieldsFunc(line, func(r rune) bool { return r == ':' || r == ' ' || r == '\t' || r == '\n' }) {
			g.load(name, g.program, viaPreloadFile)
		}
	}
}

// load finds a library and adds it to the objects; nil and the rest of the loader's message if it cannot. by is who
// the report says needs it.
func (g *glibc) load(name string, needer *object, by string) (*object, string) {
	if strings.Contains(name, "$") {
		name, _ = g.expand(name, needer)
	}
	if o := g.names[name]; o != nil {
		if o == g.loader && !g.listed {
			g.listed = true
			g.add(o)
			g.out.Libraries = append(g.out.Libraries, Library{Name: name, Path: o.name, By: by, Via: viaLoader})
		}
		return o, ""
	}
	lib := Library{Name: name, By: by}
	o, reason := g.search(&lib, needer)
	if o == nil {
		if by != viaPreload && by != viaPreloadFile {
			g.out.Libraries = append(g.out.Libraries, lib)
		}
		return nil, reason
	}
	g.answer(name, o)
	if o.label != "" { // the same file under another name
		return o, ""
	}
	o.label, o.loader = name, needer
	g.answer(o.elf.SOName, o)
	g.add(o)
	g.out.Libraries = append(g.out.Libraries, lib)
	return o, ""
}

// Errors of open that let the search go on.
var (
	errSkip  = errors.New("not here")                // no file, or one that is not for this machine
	errLeave = errors.New("not in this list either") // leave the list of directories
)

// search looks for a library in the order of ld.so(8); nil and the rest of the message if there is none.
func (g *glibc) search(lib *Library, needer *object) (*object, string) {
	g.otherClass, g.reason = false, glibcNoFile
	if strings.Contains(lib.Name, "/") {
		o, err := g.try(lib, viaPath, lib.Name)
		if err == nil {
			return o, ""
		}
		return nil, g.notFound(lib.Name, lib.Name, err)
	}
	for _, list := range g.lists(needer) {
		for _, p := range g.paths(list, lib.Name) {
			o, err := g.try(lib, list.via, p)
			if err == nil {
				return o, ""
			}
			if err == errLeave {
				break
			}
			if err != errSkip {
				return nil, g.notFound(lib.Name, p, err)
			}
		}
	}
	return nil, g.notFound(lib.Name, "", errSkip)
}

// paths are those that a list gives for a name.
func (g *glibc) paths(list searchList, name string) []string {
	if list.via == viaCache {
		return g.cached(name)
	}
	var paths []string
	for _, dir := range list.dirs {
		paths = append(paths, g.subdirectories(dir, name)...)
	}
	return paths
}

// try looks at one path.
func (g *glibc) try(lib *Library, via, p string) (*object, error) {
	lib.Searched = append(lib.Searched, p)
	o, err := g.open(p)
	if err == nil {
		lib.Path, lib.Via = p, via
	}
	return o, err
}

// The errors in glibc's words. Its loader knows few of the system's messages.
const (
	glibcNoFile      = "No such file or directory"
	glibcNoDirectory = "Error 20"
	glibcLoop        = "Error 40"
	glibcDirectory   = "cannot read file data: Error 21"
)

// notFound words the end of a search: at a file that cannot be loaded, or without any.
func (g *glibc) notFound(name, p string, err error) string {
	switch {
	case err != errSkip && err != errLeave:
		return fmt.Sprintf("%s: %v", p, err)
	case g.otherClass:
		return fmt.Sprintf("%s: wrong ELF class: ELFCLASS%d", name, 96-g.program.elf.Class)
	}
	return name + ": cannot open shared object file: " + g.reason
}

// open checks the file at a path as ld.so does: errSkip to go on with the search, another error ends it. Source:
// elf/dl-load.c, open_verify.
func (g *glibc) open(p string) (*object, error) {
	f, err := g.tree.open(p)
	g.reason = glibcNoFile
	switch {
	case errors.Is(err, errLoop):
		g.reason = glibcLoop
		return nil, errLeave
	case errors.Is(err, errNotDirectory):
		g.reason = glibcNoDirectory
		return nil, errSkip
	case errors.Is(err, fs.ErrNotExist):
		return nil, errSkip
	case errors.Is(err, errNotRegular):
		return nil, errors.New(glibcDirectory)
	case errors.Is(err, errLimit):
		g.unread(p, err)
		return nil, errSkip
	case err != nil:
		return g.unknown(p, unrooted(p), err), nil
	}
	defer f.close()
	if o := g.files[f.real]; o != nil {
		return o, nil
	}
	if f.size < int64(16+g.program.elf.Class*3/4) { // sizeof (Elf64_Ehdr) is 64, Elf32_Ehdr 52
		return nil, errors.New("file too short")
	}
	e, err := readELF(f, f.size, false)
	switch {
	case errors.Is(err, ErrNotELF):
		return nil, errors.New("invalid ELF header")
	case err != nil:
		return g.unknown(p, f.real, err), nil
	case e.Class != g.program.elf.Class:
		g.otherClass = true
		return nil, errSkip
	case e.Machine != g.program.elf.Machine:
		return nil, errSkip
	case e.Type != "ET_DYN" && e.Type != "ET_EXEC":
		return nil, errors.New("only ET_DYN and ET_EXEC can be loaded")
	}
	return &object{name: p, real: f.real, elf: e}, nil
}
