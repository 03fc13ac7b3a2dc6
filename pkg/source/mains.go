package source

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Main is one main package of a module.
type Main struct {
	Dir        string `json:"dir"` // as seen from the root, "." for the root itself, "cmd/app"
	ImportPath string `json:"importPath"`
	Name       string `json:"name"` // of the executable, as go names it
	// Cgo is true when the program needs cgo, as far as its source is here: a package of it uses C and has no other
	// files for CGO_ENABLED=0, or it imports a module that is nothing without C.
	Cgo bool `json:"cgo,omitempty"`
	// Imports are the packages that the program imports, sorted: those of the main package and of every package below
	// it whose source is here (the module's own, those of vendor, of the workspace and of replacements by directories
	// of this very tree), without the program's own.
	Imports []string `json:"imports,omitempty"`
}

// Platform is what build constraints are decided for.
type Platform struct {
	GOOS, GOARCH string // "" is linux and amd64
	Tags         []string
}

// Mains lists the main packages of the module in the root of a tree and of those that its go.work uses, sorted by Dir,
// for linux/amd64 and no tags. Nothing is run; a directory without a go.mod gives fs.ErrNotExist.
func Mains(fsys fs.FS) ([]Main, error) { return MainsFor(fsys, Platform{}) }

// MainsFor is Mains for a platform.
func MainsFor(fsys fs.FS, p Platform) ([]Main, error) {
	l, err := newLoader(fsys, p)
	if err != nil {
		return nil, err
	}
	var mains []Main
	for _, m := range l.modules {
		if !m.main {
			continue
		}
		if err := l.packages(m, func(dir string) error {
			if pkg := l.load(dir); pkg.name == "main" {
				mains = append(mains, l.program(m, dir))
			}
			return l.err
		}); err != nil {
			return nil, fmt.Errorf("looking for main packages: %w", err)
		}
	}
	slices.SortFunc(mains, func(a, b Main) int { return strings.Compare(a.Dir, b.Dir) })
	return mains, nil
}

// located is a module whose source is in the tree.
type located struct {
	path, dir string
	ignores   []string
	main      bool // its packages are built, not only imported
}

// loader reads packages of a tree with go/build.
type loader struct {
	*tree
	with, without build.Context // with cgo, and without
	modules       []located
	vendored      bool
	loaded        map[string]pkg // by directory
}

// pkg is what counts of a package.
type pkg struct {
	name    string
	imports []string
	cgo     bool // it needs cgo
}

// newLoader finds the modules: the root's, those of go.work, and replacements by directories.
func newLoader(fsys fs.FS, p Platform) (*loader, error) {
	l := &loader{tree: &tree{fs: fsys}, loaded: map[string]pkg{}}
	l.with = l.context(p, true)
	l.without = l.context(p, false)
	root, err := ReadModule(fsys)
	work, workErr := ReadWorkspace(fsys)
	switch {
	case err == nil:
		l.add(root, ".", true)
		l.vendored = root.Vendored
		l.replace(".", root.Replaces)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case workErr != nil:
		return nil, errors.Join(err, notAbsent(workErr))
	default:
		l.vendored = isFile(fsys, "vendor/modules.txt")
	}
	if work != nil {
		l.replace(".", work.Replaces)
		for _, use := range work.Uses {
			l.local(".", use, "", true)
		}
	}
	return l, nil
}

func notAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (l *loader) add(m *Module, dir string, main bool) {
	if !slices.ContainsFunc(l.modules, func(have located) bool { return have.dir == dir }) {
		l.modules = append(l.modules, located{m.Path, dir, m.ignores, main})
	}
}

// replace adds the modules that replacements put into the tree.
func (l *loader) replace(dir string, list []Replace) {
	for _, r := range list {
		if r.Local {
			l.local(dir, r.New, r.Old, false)
		}
	}
}

// local adds the module in a directory of the tree, under another path if it replaces one. One that cannot be read, or
// lies outside, is left out: go says so.
func (l *loader) local(from, to, as string, main bool) {
	dir := path.Join(from, to)
	if path.IsAbs(to) || !fs.ValidPath(dir) {
		return
	}
	sub, err := fs.Sub(l.fs, dir)
	if err != nil {
		return
	}
	m, err := ReadModule(sub)
	if err != nil {
		return
	}
	if as != "" {
		m.Path = as
	}
	l.add(m, dir, main)
	if main {
		l.replace(dir, m.Replaces)
	}
}

// packages calls visit for each directory of a module that can hold a package, in order.
// Source: go help packages; modload/search.go of cmd/go.
func (l *loader) packages(m located, visit func(dir string) error) error {
	return l.directories(m.dir, func(dir string) error {
		base := path.Base(dir)
		if dir != m.dir {
			if base[0] == '.' || base[0] == '_' || base == "testdata" || base == "vendor" || m.ignored(dir) || isFile(l.fs, path.Join(dir, "go.mod")) {
				return fs.SkipDir
			}
		}
		return visit(dir)
	})
}

// ignored reports whether an ignore directive of go.mod names the directory: "./x" from the module's root, "x" anywhere.
func (m located) ignored(dir string) bool {
	rel := "/" + strings.TrimPrefix(strings.TrimPrefix(dir, m.dir), "/") + "/"
	for _, pattern := range m.ignores {
		if rooted, ok := strings.CutPrefix(pattern, "./"); ok {
			if strings.HasPrefix(rel, "/"+strings.Trim(rooted, "/")+"/") {
				return true
			}
		} else if strings.Contains(rel, "/"+strings.Trim(pattern, "/")+"/") {
			return true
		}
	}
	return false
}

// program follows the imports of a main package as far as the source is here.
func (l *loader) program(m located, dir string) Main {
	p := Main{Dir: dir, ImportPath: m.path}
	if rel := strings.TrimPrefix(strings.TrimPrefix(dir, m.dir), "/"); dir != m.dir {
		p.ImportPath = path.Join(m.path, rel)
		if m.dir == "." {
			p.ImportPath = path.Join(m.path, dir)
		}
	}
	p.Name = Executable(p.ImportPath)
	seen := map[string]bool{}
	todo := []string{dir}
	for len(todo) > 0 {
		from := l.load(todo[0])
		todo = todo[1:]
		p.Cgo = p.Cgo || from.cgo
		for _, imp := range from.imports {
			if imp == "C" || seen[imp] {
				continue
			}
			seen[imp] = true
			p.Imports = append(p.Imports, imp)
			p.Cgo = p.Cgo || NeedsCgo(imp)
			if at := l.find(imp); at != "" {
				todo = append(todo, at)
			}
		}
	}
	slices.Sort(p.Imports)
	return p
}

// find is the directory of an imported package, "" if its source is not here. The module with the longest path wins.
func (l *loader) find(importPath string) string {
	best, dir := -1, ""
	for _, m := range l.modules {
		rest, ok := strings.CutPrefix(importPath, m.path)
		if ok && (rest == "" || rest[0] == '/') && m.path != "" && len(m.path) > best {
			best, dir = len(m.path), path.Join(m.dir, strings.TrimPrefix(rest, "/"))
		}
	}
	if best < 0 && l.vendored && strings.Contains(importPath, ".") {
		dir = path.Join("vendor", importPath)
	}
	if !fs.ValidPath(dir) {
		return ""
	}
	return dir
}

// load reads the package of a directory; a zero pkg if there is none for the platform.
func (l *loader) load(dir string) pkg {
	if p, ok := l.loaded[dir]; ok {
		return p
	}
	var p pkg
	if full, err := l.with.ImportDir(rooted(dir), 0); full != nil && !isNone(err) {
		p = pkg{name: full.Name, imports: full.Imports}
		if len(full.CgoFiles) > 0 {
			bare, err := l.without.ImportDir(rooted(dir), 0)
			p.cgo = isNone(err) || !more(bare.GoFiles, full.GoFiles)
		}
	}
	l.loaded[dir] = p
	return p
}

// isNone reports whether a directory has no package for the platform: no files, or those of several packages.
func isNone(err error) bool {
	var none *build.NoGoError
	var several *build.MultiplePackageError
	return errors.As(err, &none) || errors.As(err, &several)
}

// more reports whether one list of files has any that the other has not.
func more(files, than []string) bool {
	return slices.ContainsFunc(files, func(f string) bool { return !slices.Contains(than, f) })
}
