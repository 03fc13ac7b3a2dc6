package target

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/gitignore"
	"github.com/imgaudit/imgaudit/pkg/audit"
)

// NoDockerfile is the reason of an Unread for a directory that has no Dockerfile in it or below.
const NoDockerfile = "no Dockerfile in this directory or below it"

// walker looks for Dockerfiles below a directory: those of a directory before those of its sub directories, each in the
// order of names.
type walker struct {
	ctx     context.Context
	list    *listings
	root    string // with symbolic links resolved
	found   []string
	links   map[string]string // of those in found that are symbolic links: where they lead
	unread  []audit.Unread
	ignored int // Dockerfiles that git would leave alone, those in directories that it leaves alone not counted
}

// walk finds the Dockerfiles in a directory and, if deep, below it. What git would leave alone is left out, but the
// directory itself is looked at whatever git says; .git is never entered, and no symbolic link to a directory.
func walk(ctx context.Context, l *listings, dir string, deep bool) *walker {
	w := &walker{ctx: ctx, list: l, links: map[string]string{}}
	rules, err := gitignore.Open(dir)
	if err == nil {
		w.root, err = realPath(dir)
	}
	if err != nil {
		w.miss(dir, err)
		return w
	}
	w.dir(dir, rules, readEntries(w, dir), deep)
	w.dropTwins()
	if len(w.found) == 0 && len(w.unread) == 0 {
		because := NoDockerfile
		if !deep {
			because = "no Dockerfile in this directory"
		}
		if w.ignored > 0 {
			because += ", but for what .gitignore names"
		}
		w.unread = append(w.unread, audit.Unread{What: dir, Because: because})
	}
	return w
}

func (w *walker) miss(name string, err error) {
	w.unread = append(w.unread, audit.Unread{What: name, Because: reason(err)})
}

// readEntries lists a directory, or what of it can be read.
func readEntries(w *walker, dir string) []fs.DirEntry {
	entries, err := w.list.read(filepath.Clean(dir))
	if err != nil {
		w.miss(dir, err)
	}
	return entries
}

func (w *walker) dir(path string, rules *gitignore.Dir, entries []fs.DirEntry, deep bool) {
	for _, e := range entries {
		if e.IsDir() || !isDockerfileName(e.Name()) {
			continue
		}
		if rules.Ignored(e.Name(), false) {
			w.ignored++
			continue
		}
		w.file(filepath.Join(path, e.Name()), e.Type())
	}
	if !deep {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == ".git" || rules.Ignored(e.Name(), true) {
			continue
		}
		if err := context.Cause(w.ctx); err != nil {
			w.miss(path, err)
			return
		}
		sub := filepath.Join(path, e.Name())
		below := readEntries(w, sub)
		w.dir(sub, rules.Enter(e.Name(), below), below, deep)
	}
}

// file adds what is named like a Dockerfile. A symbolic link counts if it leads to a file below the directory that was
// named: another one would let a repository show files of the machine it is audited on.
func (w *walker) file(name string, mode fs.FileMode) {
	if mode&fs.ModeSymlink != 0 {
		real, err := realPath(name)
		if err != nil {
			w.miss(name, err)
			return
		}
		if real != w.root && !strings.HasPrefix(real, strings.TrimSuffix(w.root, "/")+"/") {
			w.unread = append(w.unread, audit.Unread{What: name, Because: "it is a symbolic link out of the directory"})
			return
		}
		fi, err := os.Stat(real)
		switch {
		case err != nil:
			w.miss(name, err)
			return
		case fi.IsDir():
			return
		}
		w.links[name], mode = real, fi.Mode()
	}
	if !mode.IsRegular() {
		w.unread = append(w.unread, audit.Unread{What: name, Because: "it is no regular file"})
		return
	}
	w.found = append(w.found, name)
}

// realPath is where a name leads.
func realPath(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// dropTwins leaves out symbolic links to what was found by itself, and all but the first to the same file.
func (w *walker) dropTwins() {
	if len(w.links) == 0 {
		return
	}
	seen := map[string]bool{}
	for _, name := range w.found {
		if _, link := w.links[name]; link {
			continue
		}
		if real, err := realPath(name); err == nil {
			seen[real] = true
		}
	}
	w.found = slices.DeleteFunc(w.found, func(name string) bool {
		real, link := w.links[name]
		twin := link && seen[real]
		seen[real] = seen[real] || link
		return twin
	})
}
