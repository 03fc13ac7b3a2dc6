package source

import (
	"fmt"
	"go/build"
	"io"
	"io/fs"
	"path"
	"strings"
)

// What is read of a tree at most. Kubernetes has 11,000 Go files without its vendor directory.
const (
	maxEntries = 400_000   // files and directories
	maxGoFile  = 4 << 20   // bytes of one Go file's head; go/build stops behind the imports
	maxGoBytes = 512 << 20 // bytes of all of them
)

// tree is a directory tree that is read within bounds.
type tree struct {
	fs      fs.FS
	entries int
	bytes   int64
	err     error // the bound that was hit, nil if none
}

// context is a go/build context over the tree. With its functions set go/build reads files only, and runs nothing.
// Source: importGo in go/build/build.go.
func (t *tree) context(p Platform, cgo bool) build.Context {
	c := build.Context{
		GOOS: p.GOOS, GOARCH: p.GOARCH, CgoEnabled: cgo, BuildTags: p.Tags, Compiler: "gc", ReleaseTags: build.Default.ReleaseTags,
		JoinPath: path.Join, SplitPathList: func(list string) []string { return strings.Split(list, ":") }, IsAbsPath: path.IsAbs,
		HasSubdir: func(_, _ string) (string, bool) { return "", false },
		IsDir: func(name string) bool {
			fi, err := fs.Stat(t.fs, unrooted(name))
			return err == nil && fi.IsDir()
		},
		ReadDir:  func(name string) ([]fs.FileInfo, error) { return t.list(unrooted(name)) },
		OpenFile: func(name string) (io.ReadCloser, error) { return t.open(unrooted(name)) },
	}
	if c.GOOS == "" {
		c.GOOS = "linux"
	}
	if c.GOARCH == "" {
		c.GOARCH = "amd64"
	}
	return c
}

// rooted is a path of the tree as go/build sees it: absolute, so that nothing of the host is meant.
func rooted(name string) string { return path.Join("/", name) }

func unrooted(name string) string {
	if name = strings.TrimPrefix(path.Clean(name), "/"); name != "" {
		return name
	}
	return "."
}

// list reads a directory.
func (t *tree) list(name string) ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(t.fs, name)
	if err != nil {
		return nil, err
	}
	var all []fs.FileInfo
	for _, e := range entries {
		if fi, err := e.Info(); err == nil {
			all = append(all, fi)
		}
	}
	return all, nil
}

// open opens a Go file, of which no more than the bounds allow can be read.
func (t *tree) open(name string) (io.ReadCloser, error) {
	if t.bytes >= maxGoBytes {
		t.err = fmt.Errorf("more than %d bytes of Go files", maxGoBytes)
		return nil, t.err
	}
	f, err := t.fs.Open(name)
	if err != nil {
		return nil, err
	}
	return &bounded{t, io.LimitReader(f, maxGoFile), f}, nil
}

// bounded is an open file that counts.
type bounded struct {
	t *tree
	r io.Reader
	io.Closer
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.t.bytes += int64(n)
	return n, err
}

// directories calls visit for dir and the directories below it, in order. Links are not followed, as by go.
func (t *tree) directories(dir string, visit func(dir string) error) error {
	return fs.WalkDir(t.fs, dir, func(name string, d fs.DirEntry, err error) error {
		if t.entries++; t.entries > maxEntries {
			return fmt.Errorf("more than %d files", maxEntries)
		}
		switch {
		case err != nil && name == dir:
			return err
		case err != nil:
			return fs.SkipDir // one that may not be read: go says so when it is asked to build it
		case !d.IsDir():
			return nil
		}
		return visit(name)
	})
}
