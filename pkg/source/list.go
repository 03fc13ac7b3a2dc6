package source

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// ListOptions say what go list is asked about, and for which build.
type ListOptions struct {
	Packages []string          // "./cmd/app"; none is "."
	Tags     []string          //
	Mod      string            // the -mod flag
	Env      map[string]string // of the build: GOOS, GOARCH, CGO_ENABLED, GOFLAGS ..; the user's own of these are not looked at
	// Download allows what else is never done: that modules which are not here are downloaded, as the user's own go
	// environment allows it. It is for a build, which does so anyway.
	Download bool
}

// Package is what go list says of a package that a program is made of.
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool     // of the Go distribution
	Cgo        bool     // has files that use C, in this build
	Embeds     []string // files that //go:embed takes in, as seen from Dir
	Imports    []string
}

// Listing is what a program is made of.
type Listing struct {
	Packages []Package // dependencies before those that import them
	Mains    []string  // import paths
}

// Cgo lists the packages that use C in this build.
func (l *Listing) Cgo() []Package {
	var list []Package
	for _, p := range l.Packages {
		if p.Cgo {
			list = append(list, p)
		}
	}
	return list
}

// List asks the go command of this machine what the packages in a directory are made of. Nothing is downloaded, no
// go.mod is written, no other toolchain is called for: what that would need is an error that says so. Without a go
// command the error is ErrNoGo.
func List(ctx context.Context, dir string, opt ListOptions) (*Listing, error) {
	t, err := FindToolchain(ctx)
	if err != nil {
		return nil, err
	}
	return t.List(ctx, dir, opt)
}

// List is the function List with a toolchain that was found.
func (t *Toolchain) List(ctx context.Context, dir string, opt ListOptions) (*Listing, error) {
	args := []string{"list", "-deps", "-json=ImportPath,Name,Dir,Standard,CgoFiles,EmbedFiles,Imports"}
	if len(opt.Tags) > 0 {
		args = append(args, "-tags="+join(opt.Tags))
	}
	if opt.Mod != "" && opt.Mod != "mod" {
		args = append(args, "-mod="+opt.Mod)
	}
	args = append(append(args, "--"), opt.Packages...)
	if len(opt.Packages) == 0 {
		args = append(args, ".")
	}
	var more []string
	if !opt.Download {
		more = []string{"GOPROXY=off"}
	}
	out, err := run(ctx, dir, t.environment(opt.Env, more...), maxOutput, args...)
	if err != nil {
		return nil, fmt.Errorf("asking the go command for the packages: %w", err)
	}
	l := &Listing{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Dir         string
			Standard                      bool
			CgoFiles, EmbedFiles, Imports []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading what the go command says: %w", err)
		}
		l.Packages = append(l.Packages, Package{p.ImportPath, p.Name, p.Dir, p.Standard, len(p.CgoFiles) > 0, p.EmbedFiles, p.Imports})
		if p.Name == "main" {
			l.Mains = append(l.Mains, p.ImportPath)
		}
	}
	slices.Sort(l.Mains)
	return l, nil
}

// join joins tags as the flag wants them.
func join(tags []string) string {
	s := ""
	for i, t := range tags {
		if i > 0 {
			s += ","
		}
		s += t
	}
	return s
}
