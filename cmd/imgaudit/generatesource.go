package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/source"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// place is what generate works on: a directory of the disk, and the request that is made of it.
type place struct {
	contextDir         string // as it is shown, "" without a context
	module             string // directory of the module
	dockerfile, ignore string // the files to write
	request            repair.Request
}

// readPlace finds the module below dir, and the build context that holds all the modules that take part. Without a dir
// nothing is built.
func readPlace(dir string, f *generateFlags) (*place, error) {
	p := &place{dockerfile: "Dockerfile", ignore: ".dockerignore"}
	if dir == "" {
		p.contextDir = f.read.context
		if p.contextDir == "" {
			p.contextDir = "."
		}
		p.dockerfile, p.ignore = filepath.Join(p.contextDir, "Dockerfile"), filepath.Join(p.contextDir, ".dockerignore")
		p.request.Context = os.DirFS(p.contextDir)
		return p, nil
	}
	module, err := findModule(dir)
	if err != nil {
		return nil, err
	}
	p.module = module
	root := os.DirFS(module)
	if p.request.Module, err = readModule(root); err != nil {
		return nil, fmt.Errorf("reading the module: %w", err)
	}
	if err := p.readMain(root, dir, f); err != nil {
		return nil, err
	}
	if p.contextDir, err = contextOf(dir, module, f.read.context, p.request.Module); err != nil {
		return nil, err
	}
	p.request.Context = os.DirFS(p.contextDir)
	if p.request.ModuleDir, err = inside(p.contextDir, module); err != nil {
		return nil, err
	}
	p.dockerfile, p.ignore = filepath.Join(dir, "Dockerfile"), filepath.Join(dir, ".dockerignore")
	if at, err := inside(p.contextDir, dir); err == nil && at != "." {
		p.ignore = p.dockerfile + ".dockerignore"
		p.request.Ignore = path.Join(at, "Dockerfile.dockerignore")
	}
	return p, nil
}

// readMain chooses the main package, and reads what it uses, with the build tags that it is built with: those asked for, or
// those of the Makefile's build.
func (p *place) readMain(root fs.FS, dir string, f *generateFlags) error {
	makes := repair.ReadMake(root)
	tags := f.tags
	for _, m := range makes {
		if len(tags) == 0 {
			tags = m.Tags
		}
	}
	mains, err := source.MainsFor(root, source.Platform{Tags: tags})
	if err != nil {
		return fmt.Errorf("reading the module: %w", err)
	}
	if p.request.Main, err = choose(mains, dir, p.module, f.main); err != nil {
		return err
	}
	if i := slices.IndexFunc(makes, func(m repair.MakeBuild) bool { return m.Builds(p.request.Main.Dir) }); i >= 0 {
		p.request.Make = &makes[i]
	}
	if p.request.Uses, err = source.UsesFor(root, *p.request.Main, repair.UsesNames, source.Platform{Tags: tags}); err != nil {
		return fmt.Errorf("reading the source: %w", err)
	}
	return nil
}

// readModule reads go.mod, or a go.work that stands without one.
func readModule(root fs.FS) (*source.Module, error) {
	m, err := source.ReadModule(root)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	w, err := source.ReadWorkspace(root)
	if err != nil {
		return nil, err
	}
	return &source.Module{Work: w, Vendored: w.Vendored}, nil
}

// findModule is the directory of the module: dir itself, or the only one below it.
func findModule(dir string) (string, error) {
	for _, name := range []string{"go.mod", "go.work"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return dir, nil
		}
	}
	var found []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && name != dir && (base[0] == '.' || base[0] == '_' || base == "testdata" || base == "vendor" || base == "node_modules") {
			return fs.SkipDir
		}
		if base == "go.mod" && !d.IsDir() {
			found = append(found, filepath.Dir(name))
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("looking for go.mod: %w", err)
	}
	switch len(found) {
	case 0:
		return "", &hinted{fmt.Errorf("looking for go.mod: there is none in %s", dir), "without source, imgaudit generate --binary FILE ships a program as it is"}
	case 1:
		return found[0], nil
	}
	return "", listed(fmt.Sprintf("there are %d modules below %s: name one", len(found), dir), found, func(d string) string { return "imgaudit generate " + d })
}

// choose picks the main package, or asks for it.
func choose(mains []source.Main, dir, module, wanted string) (*source.Main, error) {
	if wanted != "" {
		want := filepath.ToSlash(filepath.Clean(wanted))
		for _, m := range mains {
			if m.Dir == want || m.ImportPath == want || rooted(module, m.Dir) == rooted(dir, want) {
				return &m, nil
			}
		}
		return nil, fmt.Errorf("reading --main: %s is no main package; there are %s", wanted, strings.Join(dirs(mains), ", "))
	}
	switch len(mains) {
	case 0:
		return nil, fmt.Errorf("looking for a main package: there is none in %s", module)
	case 1:
		return &mains[0], nil
	}
	return nil, listed(fmt.Sprintf("there are %d main packages in %s: name one", len(mains), module), dirs(mains), func(d string) string {
		return "imgaudit generate " + dir + " --main " + d
	})
}

func rooted(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

func dirs(mains []source.Main) []string {
	var all []string
	for _, m := range mains {
		if m.Dir != "." {
			m.Dir = "./" + m.Dir
		}
		all = append(all, m.Dir)
	}
	return all
}

// listed is an error that lists what could be typed.
func listed(text string, choices []string, command func(string) string) error {
	for _, c := range choices {
		text += "\n  " + command(c)
	}
	return errors.New(text)
}

// contextOf is the directory that holds dir and every module that the build reads from disk: as small as it can be.
func contextOf(dir, module, named string, m *source.Module) (string, error) {
	var outside []string
	add := func(to string) {
		if !filepath.IsAbs(to) {
			to = filepath.Join(module, filepath.FromSlash(to))
		}
		outside = append(outside, to)
	}
	replaces := slices.Clone(m.Replaces)
	if m.Work != nil {
		replaces = append(replaces, m.Work.Replaces...)
		for _, use := range m.Work.Uses {
			add(use)
		}
	}
	for _, r := range replaces {
		if r.Local {
			add(r.New)
		}
	}
	if named != "" {
		for _, o := range append(outside, module) {
			if _, err := inside(named, o); err != nil {
				return "", fmt.Errorf("reading --context: the build needs %s, which is not in %s", o, named)
			}
		}
		return named, nil
	}
	root := dir
	for _, o := range outside {
		for i := 0; ; i++ {
			if _, err := inside(root, o); err == nil {
				break
			}
			if i > 32 {
				return "", fmt.Errorf("looking for a build context: none holds both %s and %s", dir, o)
			}
			root = filepath.Join(root, "..")
		}
	}
	return root, nil
}

// inside is the path of a directory as seen from one above it.
func inside(root, dir string) (string, error) {
	a, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	b, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(a, b)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("%s is not in %s", dir, root)
	}
	return filepath.ToSlash(rel), nil
}

// readProgram reads the binary, or the program of the image, that tells the needs.
func (a *app) readProgram(ctx context.Context, p *place, f *generateFlags, work *session) error {
	name, kind := f.binary, "binary:"
	if f.image != "" {
		name, kind = f.image, ""
	}
	if name == "" {
		return nil
	}
	opt := work.watch(a.options(&readFlags{platform: f.read.platform, insecure: f.read.insecure, caFiles: f.read.caFiles, offline: f.read.offline}))
	subjects, err := target.Subjects(ctx, []string{kind + name}, opt)
	if err != nil {
		return err
	}
	s := subjects[0]
	target.Finish(subjects)
	if len(s.Unread) > 0 {
		return &unaudited{fmt.Errorf("reading %s: %s", s.Unread[0].What, s.Unread[0].Because)}
	}
	prog := s.Entry()
	if prog == nil {
		return &unaudited{fmt.Errorf("reading %s: it starts no program that can be looked into", name)}
	}
	if prog.Go == nil {
		return &unaudited{fmt.Errorf("reading %s: %w", prog.Path, binary.ErrNotGo)}
	}
	p.request.Binary = prog.Binary
	if f.image != "" {
		return a.takeImage(p, s, f)
	}
	if p.request.Main != nil {
		return nil
	}
	in, err := inside(p.contextDir, f.binary)
	if err != nil {
		return &hinted{fmt.Errorf("reading --binary: %w", err), "--context names a directory that holds it"}
	}
	p.request.Prebuilt = in
	return nil
}

// takeImage takes over an image: its settings, and its program unless that is built from source.
func (a *app) takeImage(p *place, s *audit.Subject, f *generateFlags) error {
	p.request.Image, p.request.ImageRef = s, strings.TrimPrefix(f.image, "registry:")
	if p.request.Main != nil {
		return nil
	}
	if t, err := target.Detect(f.image); err != nil || t.Kind != "registry" {
		return &hinted{fmt.Errorf("reading --image: a Dockerfile cannot copy out of %s", f.image), "give the directory of its source as well, or the image's name in a registry"}
	}
	p.request.Context = nil
	return nil
}
