// Package source reads the Go module that a Dockerfile builds: its go.mod, go.work and main packages, and, on request,
// what the go command says of them; on request it builds the program with the flags of the Dockerfile's own go build.
//
// It must never run anything but the go command on the user's own source, never write into that source, and never judge.
package source

import (
	"errors"
	"fmt"
	"go/version"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/modfile"
)

// Module is what of a go.mod decides how it is built. Source: go.dev/ref/mod, "go.mod files".
type Module struct {
	Path      string `json:"path,omitempty"`      // "example.com/app"
	Go        string `json:"go,omitempty"`        // the go line, "1.25.0"; "" if there is none: go takes that for 1.16
	Toolchain string `json:"toolchain,omitempty"` // the toolchain line, "go1.26.1"
	GoLine    int    `json:"goLine,omitempty"`    // the number of the go line, from 1
	// Requires and Replaces are in the order of the file.
	Requires []Require `json:"requires,omitempty"`
	Replaces []Replace `json:"replaces,omitempty"`
	Sum      bool      `json:"sum,omitempty"`      // go.sum stands beside it
	Vendored bool      `json:"vendored,omitempty"` // vendor/modules.txt stands beside it: go builds from there
	// Work is the go.work beside it, nil without one.
	Work *Workspace `json:"work,omitempty"`

	ignores []string // directories that packages are not looked for in, "./node_modules" or "node_modules"
}

// Require is one module that a go.mod requires.
type Require struct {
	Path     string `json:"path"`
	Version  string `json:"version"`
	Indirect bool   `json:"indirect,omitempty"`
}

// Replace is one replacement, of a go.mod or a go.work.
type Replace struct {
	Old        string `json:"old"`
	OldVersion string `json:"oldVersion,omitempty"` // "" is every version
	New        string `json:"new"`                  // a module path, or with Local a directory as written, "../lib"
	NewVersion string `json:"newVersion,omitempty"`
	Local      bool   `json:"local,omitempty"`
}

// Workspace is what of a go.work decides how its modules are built. Source: go.dev/ref/mod, "Workspaces".
type Workspace struct {
	Go       string    `json:"go,omitempty"`
	Uses     []string  `json:"uses,omitempty"` // directories, as written
	Replaces []Replace `json:"replaces,omitempty"`
	Sum      bool      `json:"sum,omitempty"` // go.work.sum stands beside it
	// Vendored is true when vendor/modules.txt is one of go work vendor: go builds from there.
	// Source: cmd/go/internal/modload/vendor.go.
	Vendored bool `json:"vendored,omitempty"`
}

// maxModFile is the largest go.mod or go.work that is read, in bytes; that of kubernetes has 30 KiB.
const maxModFile = 4 << 20

// workspaceVendor is how the modules.txt of a workspace begins.
const workspaceVendor = "## workspace\n"

// ReadModule reads go.mod in the root of a directory, and what stands beside it. Without a go.mod the error is
// fs.ErrNotExist; of one that go refuses it says where, "go.mod:3: ...".
func ReadModule(dir fs.FS) (*Module, error) {
	b, err := readModFile(dir, "go.mod")
	if err != nil {
		return nil, err
	}
	m, err := ParseModule(b)
	if err != nil {
		return nil, err
	}
	m.Sum, m.Vendored = isFile(dir, "go.sum"), isFile(dir, "vendor/modules.txt")
	if m.Work, err = ReadWorkspace(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return m, nil
}

// ReadWorkspace reads go.work in the root of a directory. Without one the error is fs.ErrNotExist.
func ReadWorkspace(dir fs.FS) (*Workspace, error) {
	b, err := readModFile(dir, "go.work")
	if err != nil {
		return nil, err
	}
	w, err := ParseWorkspace(b)
	if err != nil {
		return nil, err
	}
	w.Sum = isFile(dir, "go.work.sum")
	if f, err := dir.Open("vendor/modules.txt"); err == nil {
		head := make([]byte, len(workspaceVendor))
		_, err = io.ReadFull(f, head)
		w.Vendored = err == nil && string(head) == workspaceVendor
		f.Close()
	}
	return w, nil
}

// ParseModule reads the text of a go.mod as strictly as go build does for a main module: a version like "master", which
// go would have to look up, is an error too. What is not known is forgiven where the go line says that a later Go than
// the one we know will read it. Source: ReadModFile in cmd/go/internal/modload/modfile.go.
func ParseModule(text []byte) (*Module, error) {
	f, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		lax, laxErr := modfile.ParseLax("go.mod", text, nil)
		if laxErr != nil || lax.Go == nil || version.Compare("go"+lax.Go.Version, newest) <= 0 {
			return nil, parseError("go.mod", err)
		}
		f = lax
	}
	m := &Module{Replaces: replaces(f.Replace)}
	if f.Module != nil {
		m.Path = f.Module.Mod.Path
	}
	if f.Go != nil {
		m.Go, m.GoLine = f.Go.Version, f.Go.Syntax.Start.Line
	}
	if f.Toolchain != nil {
		m.Toolchain = f.Toolchain.Name
	}
	for _, r := range f.Require {
		m.Requires = append(m.Requires, Require{Path: r.Mod.Path, Version: r.Mod.Version, Indirect: r.Indirect})
	}
	for _, i := range f.Ignore {
		m.ignores = append(m.ignores, i.Path)
	}
	return m, nil
}

// newest is the latest Go whose directives the parser knows.
const newest = "go1.26.99"

// ParseWorkspace reads the text of a go.work as strictly as go does.
func ParseWorkspace(text []byte) (*Workspace, error) {
	f, err := modfile.ParseWork("go.work", text, nil)
	if err != nil {
		return nil, parseError("go.work", err)
	}
	w := &Workspace{Replaces: replaces(f.Replace)}
	if f.Go != nil {
		w.Go = f.Go.Version
	}
	for _, u := range f.Use {
		w.Uses = append(w.Uses, u.Path)
	}
	return w, nil
}

// parseError gives the first of the parser's errors, each of which begins with the file and line.
func parseError(name string, err error) error {
	var list modfile.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		err = &list[0]
	}
	return fmt.Errorf("reading %s: %w", name, err)
}

func replaces(list []*modfile.Replace) []Replace {
	var all []Replace
	for _, r := range list {
		all = append(all, Replace{Old: r.Old.Path, OldVersion: r.Old.Version, New: r.New.Path, NewVersion: r.New.Version, Local: modfile.IsDirectoryPath(r.New.Path)})
	}
	return all
}

// readModFile reads a file of at most maxModFile bytes.
func readModFile(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxModFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) > maxModFile {
		return nil, fmt.Errorf("reading %s: more than %d bytes", name, maxModFile)
	}
	return b, nil
}

func isFile(dir fs.FS, name string) bool {
	fi, err := fs.Stat(dir, name)
	return err == nil && fi.Mode().IsRegular()
}

// Executable is the name that go gives the program of a package: the last element of its import path, or the one
// before a major version. Source: DefaultExecName in cmd/go/internal/load/pkg.go.
func Executable(importPath string) string {
	base := path.Base(importPath)
	if digits, ok := strings.CutPrefix(base, "v"); ok && digits != "" && digits[0] != '0' && digits != "1" &&
		strings.Trim(digits, "0123456789") == "" && path.Dir(importPath) != "." {
		return path.Base(path.Dir(importPath))
	}
	return base
}
