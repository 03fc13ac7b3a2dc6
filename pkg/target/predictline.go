package target

import (
	"bytes"
	"errors"
	"fmt"
	"go/version"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// way is what decides nothing in a program but how its modules come.
var way = []string{"GOAUTH", "GOCACHE", "GOCACHEPROG", "GOENV", "GOINSECURE", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOTMPDIR", "GOTOOLCHAIN", "GOVCS", "GOBIN", "GOROOT"}

// lineOf turns a build line of the Dockerfile into one that is run here; an error says why it cannot be the same.
func (p *predictor) lineOf(o *output, t *source.Toolchain) (source.BuildOptions, error) {
	b := o.build
	line := source.BuildOptions{Env: map[string]string{}}
	if b.Dir == "" {
		return line, errors.New("the directory it is built in is not known")
	}
	if err := within(o.hazy, b.Dir); err != nil {
		return line, fmt.Errorf("its source: %w", err)
	}
	for _, name := range b.Unknown {
		if !slices.Contains(way, name) {
			return line, fmt.Errorf("the value of %s is not known", name)
		}
	}
	for name, value := range b.Env {
		line.Env[name] = value
	}
	for _, f := range b.Flags {
		switch {
		case f.Name == "o" || f.Name == "C":
			continue
		case !f.Known:
			return line, fmt.Errorf("the value of -%s is not known", f.Name)
		case f.Expanded == "" && !f.HasValue:
			line.Flags = append(line.Flags, "-"+f.Name)
		default:
			line.Flags = append(line.Flags, "-"+f.Name+"="+f.Expanded)
		}
	}
	for _, pkg := range b.Packages {
		if strings.Contains(pkg, "$") || strings.Contains(pkg, "@") || path.IsAbs(pkg) {
			return line, fmt.Errorf("the package %s is not the module's", pkg)
		}
		line.Packages = append(line.Packages, pkg)
	}
	for _, name := range []string{"CC", "CXX", "AR", "FC", "PKG_CONFIG", "GOROOT", "GCCGO", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS"} {
		if line.Env[name] != "" && line.Env["CGO_ENABLED"] != "0" {
			return line, fmt.Errorf("%s chooses tools or their flags", name)
		}
	}
	have, err := o.release()
	if err != nil {
		return line, err
	}
	if version.Lang(have) != version.Lang(t.Version) {
		return line, fmt.Errorf("the Dockerfile has %s, this machine %s", have, t.Version)
	}
	platform := strings.SplitN(p.platformOf(o.stage), "/", 3)
	if line.Env["GOOS"] == "" {
		line.Env["GOOS"] = platform[0]
	}
	if line.Env["GOARCH"] == "" && len(platform) > 1 {
		line.Env["GOARCH"] = platform[1]
		if len(platform) > 2 && platform[1] == "arm" {
			line.Env["GOARM"] = strings.TrimPrefix(platform[2], "v")
		}
	}
	if _, given := b.Flag("buildvcs"); !given && !o.stamps() {
		line.Flags = append(line.Flags, "-buildvcs=false")
	}
	return line, nil
}

// stamps reports whether go stamps the program with the state of a repository: that needs the repository and git, which
// a package manager may have brought.
func (o *output) stamps() bool {
	if !o.finds("git") && !slices.Contains(o.hazy, "/usr/bin") {
		return false
	}
	for dir := o.build.Dir; ; dir = path.Dir(dir) {
		if _, ok := o.tree.Entry(path.Join(dir, ".git")); ok {
			return true
		}
		if dir == "/" {
			return false
		}
	}
}

// finds reports whether a program is in the PATH of the stage.
func (o *output) finds(name string) bool {
	for _, v := range o.stage.Env {
		if v.Key != "PATH" {
			continue
		}
		for _, dir := range strings.Split(v.Value, ":") {
			if e, err := o.tree.Resolve(path.Join("/", dir, name)); err == nil && e.Mode.IsRegular() {
				return true
			}
		}
	}
	return false
}

// release is the Go release of the stage: of the VERSION file of its GOROOT, else of GOLANG_VERSION.
func (o *output) release() (string, error) {
	for _, root := range []string{o.goroot(), "/usr/local/go", "/usr/lib/go"} {
		f, err := o.tree.Open(orDot(strings.TrimPrefix(path.Join(root, "VERSION"), "/")))
		if err != nil {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(f, 100))
		f.Close()
		if line, _, _ := strings.Cut(string(b), "\n"); err == nil && version.IsValid(strings.TrimSpace(line)) {
			return strings.TrimSpace(line), nil
		}
	}
	for _, v := range o.stage.Env {
		if v.Key == "GOLANG_VERSION" && v.Known && version.IsValid("go"+v.Value) {
			return "go" + v.Value, nil
		}
	}
	return "", errors.New("which Go the stage has is not known")
}

// sameLibrary decides whether cgo is used, and that the C library here is the stage's if so: a program that is linked with
// another one is another program.
func (p *predictor) sameLibrary(o *output, t *source.Toolchain, line source.BuildOptions, dir string) error {
	cgo := line.Env["CGO_ENABLED"]
	if cgo == "0" {
		return nil
	}
	platform := strings.SplitN(p.platformOf(o.stage), "/", 3)
	native := len(platform) > 1 && line.Env["GOOS"] == platform[0] && line.Env["GOARCH"] == platform[1]
	if cgo == "" && !native {
		line.Env["CGO_ENABLED"] = "0" // go env: cgo is off by default when building for another platform
		return nil
	}
	packages, err := t.List(p.ctx, dir, listOptions(line))
	if err != nil {
		return err
	}
	if len(packages.Cgo()) == 0 {
		return nil
	}
	if cgo == "" {
		if !o.finds("gcc") {
			if slices.Contains(o.hazy, "/usr/bin") {
				return errors.New("whether the stage has gcc, and so whether cgo is used, is not known")
			}
			line.Env["CGO_ENABLED"] = "0"
			return nil
		}
		line.Env["CGO_ENABLED"] = "1"
	}
	if !native || t.GOOS != line.Env["GOOS"] || t.GOARCH != line.Env["GOARCH"] {
		return errors.New("cgo for another platform needs its C compiler")
	}
	there, here := libraryOf(o.tree), libraryOf(os.DirFS("/"))
	if there != here || there == "" {
		return fmt.Errorf("it uses cgo, and the C library of the stage is %s, here it is %s", orUnknown(there), orUnknown(here))
	}
	return nil
}

// listOptions ask about what a line builds, with cgo.
func listOptions(line source.BuildOptions) source.ListOptions {
	opt := source.ListOptions{Packages: line.Packages, Env: map[string]string{}, Download: true}
	for k, v := range line.Env {
		opt.Env[k] = v
	}
	opt.Env["CGO_ENABLED"] = "1"
	for _, f := range line.Flags {
		if tags, ok := strings.CutPrefix(f, "-tags="); ok {
			opt.Tags = strings.FieldsFunc(tags, func(r rune) bool { return r == ',' || r == ' ' })
		}
		if mod, ok := strings.CutPrefix(f, "-mod="); ok {
			opt.Mod = mod
		}
	}
	return opt
}

func orUnknown(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}

var glibcRelease = regexp.MustCompile(`GNU C Library [^\n]*release version ([0-9.]+[0-9])`)

// libraryOf names the C library of a root file system, "musl" or "glibc 2.36"; "" if it is not known.
func libraryOf(root fs.FS) string {
	for _, dir := range []string{"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib64", "usr/lib64"} {
		f, err := root.Open(dir + "/libc.so.6")
		if err != nil {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(f, 32<<20))
		f.Close()
		if m := glibcRelease.FindSubmatch(b); err == nil && m != nil {
			return "glibc " + string(m[1]) // with musl beside it, a guest: compilers link with glibc
		}
	}
	if found, _ := fs.Glob(root, "lib/ld-musl-*.so.1"); len(found) > 0 {
		return "musl"
	}
	return ""
}

// ofGlibc are the libraries that glibc brings.
var ofGlibc = []string{"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1"}

// ownLibraries refuses a program that is linked with libraries of this machine, whose versions the stage may not have.
func ownLibraries(files []layers.File) error {
	for _, f := range files {
		b, err := binary.Read(bytes.NewReader(f.Data), int64(len(f.Data)), f.Path)
		if err != nil || b.ELF == nil {
			continue
		}
		for _, lib := range b.ELF.Needed {
			if !slices.Contains(ofGlibc, lib) {
				return fmt.Errorf("it is linked with %s of this machine, not with the stage's", lib)
			}
		}
	}
	return nil
}
