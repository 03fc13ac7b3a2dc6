package source

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Uses is what the source of a program says that decides what it needs at run time, as far as the source is here.
type Uses struct {
	// Calls are names of the standard library that the program mentions, "time.LoadLocation", with the first place,
	// "zone/zone.go:12". Whether such a line is ever reached is not known.
	Calls map[string]string `json:"calls,omitempty"`
	// Files are files and directories of the root's tree that constants name in calls which read files, as the program
	// finds them when it runs in the root: "templates", with the first such call, "ParseGlob in web.go:12".
	Files map[string]string `json:"files,omitempty"`
	// Embeds are the patterns of go:embed lines of all packages of the tree's modules, as paths from the root, sorted:
	// "web/static", "web/*.html", and with "all:" in front where the line has it.
	Embeds []string `json:"embeds,omitempty"`
	// Foreign are the imported modules' packages whose source is not here: what they use is not known. Sorted.
	Foreign []string `json:"foreign,omitempty"`
}

// UsesOf reads what a program of the tree uses; names are the qualified names to look for. Nothing is run.
func UsesOf(fsys fs.FS, m Main, names []string) (*Uses, error) {
	return UsesFor(fsys, m, names, Platform{})
}

// UsesFor is UsesOf for a platform.
func UsesFor(fsys fs.FS, m Main, names []string, p Platform) (*Uses, error) {
	l, err := newLoader(fsys, p)
	if err != nil {
		return nil, err
	}
	u := &Uses{Calls: map[string]string{}, Files: map[string]string{}}
	if u.Embeds, err = l.embeds(); err != nil {
		return nil, fmt.Errorf("looking for embedded files: %w", err)
	}
	u.look(l, m.Dir, names)
	for _, imp := range m.Imports {
		switch dir := l.find(imp); {
		case dir != "" && l.load(dir).name != "":
			u.look(l, dir, names)
		case dir != "", strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
			u.Foreign = append(u.Foreign, imp)
		}
	}
	return u, l.err
}

// Embeds lists the patterns of go:embed lines of all packages of the tree's modules, as Uses.Embeds.
func Embeds(fsys fs.FS) ([]string, error) {
	l, err := newLoader(fsys, Platform{})
	if err != nil {
		return nil, err
	}
	return l.embeds()
}

// embeds are those of all platforms and build tags: which of them a build has is for the build to say.
func (l *loader) embeds() ([]string, error) {
	var all []string
	every := l.with
	every.UseAllFiles = true
	for _, m := range l.modules {
		if err := l.packages(m, func(dir string) error {
			p, _ := every.ImportDir(rooted(dir), 0)
			if p == nil {
				return l.err
			}
			for _, pattern := range p.EmbedPatterns {
				bare, hidden := strings.CutPrefix(pattern, "all:")
				pattern = path.Join(dir, bare)
				if hidden {
					pattern = "all:" + pattern
				}
				all = append(all, pattern)
			}
			return l.err
		}); err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Embedded reports whether one of the patterns of go:embed lines, as Uses.Embeds has them, takes a file, itself or with a
// directory above it. Source: package embed.
func Embedded(patterns []string, name string) bool {
	passed := false // a name that directories are not asked for
	for dir := name; dir != "."; dir = path.Dir(dir) {
		for _, p := range patterns {
			bare, hidden := strings.CutPrefix(p, "all:")
			if ok, _ := path.Match(bare, dir); ok && (hidden || !passed) {
				return true
			}
		}
		passed = passed || strings.ContainsAny(path.Base(dir)[:1], "._")
	}
	return false
}

// look finds the first place of each name in a package.
func (u *Uses) look(l *loader, dir string, names []string) {
	p, err := l.with.ImportDir(rooted(dir), 0)
	if p == nil || isNone(err) {
		return
	}
	for _, file := range append(slices.Clone(p.GoFiles), p.CgoFiles...) {
		u.lookFile(l, path.Join(dir, file), names)
	}
}

func (u *Uses) lookFile(l *loader, name string, names []string) {
	f, err := l.open(name)
	if err != nil {
		return
	}
	defer f.Close()
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, name, f, parser.SkipObjectResolution)
	if file == nil {
		return // go says so when it is asked to build it
	}
	imported := map[string]string{} // by the name it has in this file
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		as := path.Base(imp)
		if spec.Name != nil {
			as = spec.Name.Name
		}
		imported[as] = imp
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			u.lookCall(l, call, func() string { return fmt.Sprintf("%s:%d", name, set.Position(call.Pos()).Line) })
		}
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok || imported[x.Name] == "" {
			return true
		}
		if full := imported[x.Name] + "." + sel.Sel.Name; u.Calls[full] == "" && slices.Contains(names, full) {
			u.Calls[full] = fmt.Sprintf("%s:%d", name, set.Position(sel.Pos()).Line)
		}
		return true
	})
}

// readers are functions and methods that are given names of files: of the standard library, and of web frameworks.
var readers = []string{"Open", "OpenFile", "ReadFile", "ReadDir", "ParseFiles", "ParseGlob", "Glob", "Dir", "DirFS", "ServeFile", "FileServer", "LoadX509KeyPair", "Load",
	"LoadHTMLGlob", "LoadHTMLFiles", "Static", "StaticFile", "StaticFS", "File", "AddConfigPath", "SetConfigFile", "WalkDir", "Walk", "ListenAndServeTLS", "New"}

// lookCall takes the constants of a call that reads files: those that name something in the tree, where it is no part of a
// program's own source. A pattern stands for its directory.
func (u *Uses) lookCall(l *loader, call *ast.CallExpr, at func() string) {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	if !slices.Contains(readers, name) {
		return
	}
	for _, arg := range call.Args {
		lit, ok := arg.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		value, err := strconv.Unquote(lit.Value)
		if err != nil || value == "" || path.IsAbs(value) {
			continue
		}
		file := path.Clean(strings.TrimPrefix(value, "file://"))
		if i := strings.IndexAny(file, "*?["); i >= 0 {
			file = path.Dir(file[:i] + "x")
		}
		if !fs.ValidPath(file) || file == "." || path.Ext(file) == ".go" || u.Files[file] != "" {
			continue
		}
		if fi, err := fs.Stat(l.fs, file); err == nil && (fi.IsDir() || fi.Mode().IsRegular()) {
			u.Files[file] = name + " in " + at()
		}
	}
}
