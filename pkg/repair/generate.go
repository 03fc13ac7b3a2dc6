package repair

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// Request says what to generate a Dockerfile from, and how. One of Main, Prebuilt and Image must be given.
type Request struct {
	// Context is the build context, ModuleDir the directory of go.mod in it.
	Context   fs.FS
	ModuleDir string
	Module    *source.Module
	Main      *source.Main // the program to build
	Uses      *source.Uses // what its source says; read for a program that is built

	Binary   *binary.Binary // a program as it was built, whose needs decide; nil: what the source imports decides
	Prebuilt string         // path in the context of a program that is shipped as it is
	Image    *audit.Subject // an image whose program and settings are taken over
	ImageRef string         // its name for FROM

	Base, Builder string     // images, "" to choose
	Tags          []string   // build tags
	Make          *MakeBuild // how a Makefile builds the program, nil if none does
	Debug         bool       // keep symbols, and add a stage with a debugger
	Private       []string   // GOPRIVATE: modules that are fetched with the secret netrc
	Health        []string   // arguments with which the program checks itself
	Ignore        string     // name of the ignore file, ".dockerignore" if empty
	Now           time.Time
}

// Generate plans a Dockerfile and its ignore file. The error says what the request lacks, or why no image can be made.
func Generate(r Request) (*Plan, error) {
	g := &generator{Request: r, plan: &Plan{Safety: audit.Unsafe}}
	if g.ModuleDir == "" {
		g.ModuleDir = "."
	}
	g.program = "/" + g.name()
	if err := g.link(); err != nil {
		return nil, err
	}
	g.demands()
	g.fromSettings()
	final := g.final()
	switch {
	case g.Main != nil:
		if err := g.build(&final); err != nil {
			return nil, err
		}
	case g.Prebuilt != "":
		g.prebuilt(&final)
	case g.Image != nil:
		g.fromImage(&final)
	default:
		return nil, errors.New("generating: neither a main package, nor a binary, nor an image is given")
	}
	g.finish(&final)
	if err := g.ignore(); err != nil {
		return nil, err
	}
	return g.plan, nil
}

// generator is the work on one request.
type generator struct {
	Request
	plan    *Plan
	program string // where the program stands in the image, "/api"
	linking linkage
	base    string // of the final stage
	needs   []demand
	rootfs  []string // commands that make files of the final image in /rootfs of the build stage
	serves  []string // what those serve
	read    []string // files and directories of the module that the program reads when it runs
	roots   string   // stage that has files to copy: CA bundle, rootfs
}

// name is the program's, as a file name that needs no quoting.
func (g *generator) name() string {
	name := ""
	switch {
	case g.Main != nil:
		name = g.Main.Name
	case g.Prebuilt != "":
		name = path.Base(g.Prebuilt)
	case g.Image != nil && g.Image.Entry() != nil:
		name = path.Base(g.Image.Entry().Path)
	}
	name = strings.Map(func(r rune) rune {
		if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return r
		}
		return -1
	}, name)
	if name == "" || strings.Trim(name, ".-") == "" || slices.Contains([]string{"tmp", "etc", "rootfs", "usr", "lib", "lib64", "proc", "sys", "dev", "bin", "sbin", "boot", "home", "media", "mnt", "opt", "root", "run", "srv", "var", "zoneinfo.zip"}, name) {
		return "app"
	}
	return name
}

// note says something to the person, once.
func (g *generator) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(g.plan.Notes, n) {
		g.plan.Notes = append(g.plan.Notes, n)
	}
}

// has reports whether the context has a regular file.
func (g *generator) has(name string) bool {
	if g.Context == nil || !fs.ValidPath(name) {
		return false
	}
	fi, err := fs.Stat(g.Context, name)
	return err == nil && fi.Mode().IsRegular()
}
