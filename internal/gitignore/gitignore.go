// Package gitignore tells which files of a directory tree git would leave alone: by the .gitignore of each directory
// from the root of the repository down, and by the repository's info/exclude. The user's own core.excludesFile is left
// out on purpose, so that a tree looks the same on every machine; so is the index: a tracked file counts as ignored if a
// pattern matches it.
//
// It must never write, and never run git.
package gitignore

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a directory with the patterns that count in it. A directory without a repository above it is like the root of
// one.
type Dir struct {
	path     string
	parent   *Dir // nil for the root of the repository
	patterns []pattern
	exclude  []pattern // of info/exclude, in the root
}

// Open reads the patterns that count in a directory.
func Open(dir string) (*Dir, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	root := abs
	for ; !isRepository(root); root = filepath.Dir(root) {
		if root == filepath.Dir(root) {
			return open(abs, nil), nil
		}
	}
	d := open(root, nil)
	rest, err := filepath.Rel(root, abs)
	if err != nil || rest == "." {
		return d, err
	}
	for _, name := range strings.Split(rest, string(filepath.Separator)) {
		d = open(filepath.Join(d.path, name), d)
	}
	return d, nil
}

// Enter goes to a sub directory whose entries are given. One that is a repository itself starts anew.
func (d *Dir) Enter(name string, entries []fs.DirEntry) *Dir {
	ignores, repository := false, false
	for _, e := range entries {
		ignores = ignores || e.Name() == ".gitignore"
		repository = repository || e.Name() == ".git"
	}
	path := filepath.Join(d.path, name)
	switch {
	case repository && isRepository(path):
		return open(path, nil)
	case ignores:
		return open(path, d)
	}
	return &Dir{path: path, parent: d}
}

// Ignored reports whether the entry of that name is ignored. What is below an ignored directory is ignored with it.
func (d *Dir) Ignored(name string, isDir bool) bool {
	path := name
	for ; ; d = d.parent {
		if p := last(d.patterns, path, isDir); p != nil {
			return !p.keeps
		}
		if d.parent == nil {
			p := last(d.exclude, path, isDir)
			return p != nil && !p.keeps
		}
		path = filepath.Base(d.path) + "/" + path
	}
}

// last is the last pattern that is about a path, which decides; nil if none is.
func last(patterns []pattern, path string, isDir bool) *pattern {
	for i := len(patterns) - 1; i >= 0; i-- {
		if patterns[i].matches(path, isDir) {
			return &patterns[i]
		}
	}
	return nil
}

func open(dir string, parent *Dir) *Dir {
	d := &Dir{path: dir, parent: parent, patterns: parse(readRegular(filepath.Join(dir, ".gitignore")))}
	if parent == nil {
		d.exclude = parse(readRegular(filepath.Join(commonDir(dir), "info", "exclude")))
	}
	return d
}

// isRepository reports whether a directory is the root of a repository: .git is its data, or a file that says where they
// are, as in a work tree or a submodule.
func isRepository(dir string) bool {
	data := gitDir(dir)
	if data == "" {
		return false
	}
	_, err := os.Lstat(filepath.Join(data, "HEAD"))
	return err == nil
}

// gitDir is where a repository's data are, "" for none.
func gitDir(root string) string {
	name := filepath.Join(root, ".git")
	fi, err := os.Stat(name)
	switch {
	case err != nil:
		return ""
	case fi.IsDir():
		return name
	}
	target, ok := strings.CutPrefix(string(readRegular(name)), "gitdir:")
	if !ok {
		return ""
	}
	return within(root, strings.TrimSpace(target))
}

// commonDir is where the data are that all work trees of a repository share.
func commonDir(root string) string {
	data := gitDir(root)
	if common := strings.TrimSpace(string(readRegular(filepath.Join(data, "commondir")))); data != "" && common != "" {
		return within(data, common)
	}
	return data
}

func within(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// readRegular reads a file of at most 1 MiB, nil if it is larger, cannot be read, or is a symbolic link, which git does
// not follow there either.
func readRegular(name string) []byte {
	const most = 1 << 20
	if fi, err := os.Lstat(name); err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil || len(b) > most {
		return nil
	}
	return b
}
