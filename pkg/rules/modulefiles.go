package rules

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// workspace is the go.work in the root of the context, nil if there is none.
func workspace(p *audit.Pass) *source.Workspace {
	switch {
	case p.Context == nil:
		return nil
	case p.Module != nil:
		return p.Module.Work
	}
	w, err := source.ReadWorkspace(p.Context.FS)
	if err != nil {
		return nil // go says what is wrong with it
	}
	return w
}

// moduleIn reads the go.mod of a directory of the context.
func moduleIn(root fs.FS, dir string) (*source.Module, error) {
	sub, err := fs.Sub(root, path.Clean(dir))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	return source.ReadModule(sub)
}

// moduleFiles are the files that go mod download reads, by directory of the context: go.mod and go.sum of the module, or
// go.work with those of each module it uses, and the go.mod of every directory that replaces a module. nil where one is
// outside of the context, or left out of it.
func moduleFiles(p *audit.Pass) map[string][]string {
	const most = 10 // directories
	files := map[string][]string{}
	ok := true
	take := func(dir string, names ...string) {
		dir = path.Clean(dir)
		for _, name := range names {
			file := path.Join(dir, name)
			if _, err := fs.Stat(p.Context.FS, file); err != nil && name != "go.mod" {
				continue
			}
			ok = ok && fs.ValidPath(file) && missingSource(p, "COPY", file) == "" && !strings.ContainsAny(file, " \t$\"'*?[]\\")
			if !slices.Contains(files[dir], file) {
				files[dir] = append(files[dir], file)
			}
		}
	}
	replaced := func(dir string, replaces []source.Replace) {
		for _, r := range replaces {
			if r.Local {
				ok = ok && !path.IsAbs(r.New)
				take(path.Join(dir, r.New), "go.mod")
			}
		}
	}
	modules := []string{"."}
	if w := workspace(p); w != nil {
		take(".", "go.work", "go.work.sum")
		replaced(".", w.Replaces)
		modules = w.Uses
	} else {
		ok = p.Module.Sum
	}
	for _, dir := range modules {
		take(dir, "go.mod", "go.sum")
		m, err := moduleIn(p.Context.FS, dir)
		if err != nil {
			return nil
		}
		replaced(dir, m.Replaces)
	}
	if !ok || len(files) > most {
		return nil
	}
	return files
}
