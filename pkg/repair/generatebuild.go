package repair

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// Where things are in the stages that are generated.
const (
	srcDir    = "/src"    // the build context
	outDir    = "/out"    // the program
	rootfsDir = "/rootfs" // files of the final image
	modCache  = "--mount=type=cache,target=/go/pkg/mod"
	goCache   = "--mount=type=cache,target=/root/.cache/go-build"
	netrc     = "--mount=type=secret,id=netrc,target=/root/.netrc"
)

// build plans the stages that make the program from source.
func (g *generator) build(final *Stage) error {
	if g.Module == nil {
		return errors.New("generating: there is a main package and no go.mod")
	}
	for _, r := range g.replaces() {
		if path.IsAbs(r.New) {
			return fmt.Errorf("generating: go.mod replaces %s by %s, a directory of this machine: no build stage has it", r.Old, r.New)
		}
	}
	g.readFiles()
	image, because := g.builder()
	b := Stage{Name: "build", From: image, Serves: why(because)}
	if g.linking.libc == binary.NoLibc {
		b.Platform = "$BUILDPLATFORM" // the compiler runs on the builder's own architecture
	} else {
		b.Serves = append(b.Serves, "cgo: the C compiler builds for the platform it runs on, so this stage runs on the target's")
	}
	g.settings(&b)
	if err := g.modules(&b); err != nil {
		return err
	}
	g.sources(&b)
	compile := g.compile(&b)
	g.plan.Stages = append(g.plan.Stages, b)
	g.roots = "build"
	g.libraries("")
	final.add(copyFrom("", "build", compile, g.program))
	for _, f := range g.read {
		final.add(copyFrom("files: "+g.Uses.Files[f], "build", path.Join(srcDir, g.ModuleDir, f), path.Join("/", f)))
	}
	return nil
}

// settings prepares the stage: what an unknown image may have otherwise, private modules, a C compiler.
func (g *generator) settings(b *Stage) {
	if repository(b.From) != "golang" {
		b.add(Step{Keyword: "USER", Words: []string{"0"}, Serves: []string{"the cache mounts below are root's"}},
			line("", "ENV", "GOMODCACHE=/go/pkg/mod", "GOCACHE=/root/.cache/go-build"))
	}
	if len(g.Private) > 0 {
		if strings.Contains(b.From, "alpine") {
			b.add(run("private modules are fetched with git, which golang's alpine images do not have", nil, "apk add --no-cache git"))
		}
		b.add(line("private modules are fetched as they are, without proxy and checksum database; build with --secret id=netrc,src=$HOME/.netrc", "ENV", "GOPRIVATE="+strings.Join(g.Private, ",")))
	}
	if g.linking.libc == binary.Musl && strings.Contains(b.From, "golang") {
		b.add(run("cgo: golang's alpine images have no C compiler", nil, "apk add --no-cache gcc musl-dev"))
	}
	b.add(line("", "WORKDIR", path.Join(srcDir, g.ModuleDir)))
}

// repository is the last element of an image name without tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image, _, _ = strings.Cut(path.Base(image), ":")
	return image
}

// modules copies what says which modules are needed, and downloads them in a layer of their own.
func (g *generator) modules(b *Stage) error {
	if !g.downloads() {
		return nil
	}
	if !g.Module.Sum && g.Module.Work == nil {
		return fmt.Errorf("generating: go.mod requires %s and there is no go.sum: run go mod tidy", g.Module.Requires[0].Path)
	}
	for i, dir := range g.moduleDirs() {
		var files []string
		for _, name := range []string{"go.work", "go.work.sum", "go.mod", "go.sum"} {
			if g.has(path.Join(dir, name)) {
				files = append(files, path.Join(dir, name))
			}
		}
		serves := ""
		if i == 0 {
			serves = "module files first: the download below runs again only when they change"
		}
		b.add(line(serves, "COPY", append(files, g.inStage(dir)+"/")...))
	}
	flags := []string{modCache}
	if len(g.Private) > 0 {
		flags = append(flags, netrc+",required=true")
	}
	b.add(run("", flags, "go mod download"))
	return nil
}

// downloads reports whether the build needs modules that are not in the context.
func (g *generator) downloads() bool {
	if g.has(path.Join(g.ModuleDir, "vendor/modules.txt")) {
		return false
	}
	foreign := func(m *source.Module) bool {
		return slices.ContainsFunc(m.Requires, func(r source.Require) bool { return !g.local(r.Path) })
	}
	if foreign(g.Module) {
		return true
	}
	for _, dir := range g.moduleDirs() {
		if m := g.moduleAt(dir); m != nil && foreign(m) {
			return true
		}
	}
	return false
}

// local reports whether a module stands in the context: it is replaced by a directory, or the workspace has it.
func (g *generator) local(module string) bool {
	if slices.ContainsFunc(g.replaces(), func(r source.Replace) bool { return r.Old == module }) {
		return true
	}
	if g.Module.Work == nil {
		return false
	}
	return slices.ContainsFunc(g.Module.Work.Uses, func(use string) bool {
		m := g.moduleAt(path.Join(g.ModuleDir, use))
		return m != nil && m.Path == module
	})
}

// replaces are the replacements by directories.
func (g *generator) replaces() []source.Replace {
	all := slices.Clone(g.Module.Replaces)
	if g.Module.Work != nil {
		all = append(all, g.Module.Work.Replaces...)
		for _, use := range g.Module.Work.Uses {
			dir := path.Join(g.ModuleDir, use)
			if m := g.moduleAt(dir); m != nil && dir != g.ModuleDir {
				for _, r := range m.Replaces {
					if r.Local {
						r.New = path.Join(use, r.New)
					}
					all = append(all, r)
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(r source.Replace) bool { return !r.Local })
}

// moduleAt reads the module in a directory of the context, nil if there is none.
func (g *generator) moduleAt(dir string) *source.Module {
	if !fs.ValidPath(dir) {
		return nil
	}
	sub, err := fs.Sub(g.Context, dir)
	if err != nil {
		return nil
	}
	m, err := source.ReadModule(sub)
	if err != nil {
		return nil
	}
	return m
}

// moduleDirs are the directories of the context with a module that takes part, the program's first, the others sorted.
func (g *generator) moduleDirs() []string {
	var dirs []string
	if g.Module.Work != nil {
		for _, use := range g.Module.Work.Uses {
			dirs = append(dirs, path.Join(g.ModuleDir, use))
		}
	}
	for _, r := range g.replaces() {
		dirs = append(dirs, path.Join(g.ModuleDir, r.New))
	}
	dirs = slices.DeleteFunc(dirs, func(d string) bool { return d == g.ModuleDir })
	slices.Sort(dirs)
	return append([]string{g.ModuleDir}, slices.Compact(dirs)...)
}

// inStage is where a directory of the context stands in the build stage, relative to the working directory if it can be.
func (g *generator) inStage(dir string) string {
	if dir == g.ModuleDir {
		return "."
	}
	if rel, ok := strings.CutPrefix(dir, g.ModuleDir+"/"); ok {
		return rel
	}
	if g.ModuleDir == "." {
		return dir
	}
	return path.Join(srcDir, dir)
}

// sources copies the source: the whole context if the module stands in its root, else the modules that take part.
func (g *generator) sources(b *Stage) {
	if g.ModuleDir == "." {
		b.add(line("", "COPY", ".", "."))
		return
	}
	for _, dir := range g.moduleDirs() {
		if dir != g.ModuleDir && strings.HasPrefix(dir+"/", g.ModuleDir+"/") {
			continue // it is copied with the directory above
		}
		b.add(line("", "COPY", dir, g.inStage(dir)))
	}
}

// compile runs go build and returns where the program is then.
func (g *generator) compile(b *Stage) string {
	out := path.Join(outDir, path.Base(g.program))
	env := "CGO_ENABLED=1"
	if g.linking.libc == binary.NoLibc {
		b.add(line("", "ARG", "TARGETOS", "TARGETARCH", "TARGETVARIANT"))
		env = "CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v}"
	}
	tags := g.tags()
	var serves []string
	if d, ok := g.need(binary.TopicZoneinfo); ok && slices.Contains(tags, "timetzdata") {
		serves = append(serves, d.serving()+"; -tags timetzdata builds the zones in")
	}
	if g.linking.libc != binary.NoLibc {
		serves = append(serves, "loader: "+g.linking.evidence)
	}
	ldflags := "-s -w"
	if g.Make != nil {
		serves = append(serves, g.taken()...)
		for _, v := range g.Make.Values {
			if strings.Contains(v, " ") {
				v = "'" + v + "'"
			}
			ldflags += " -X " + v
		}
	}
	s := run("", g.mounts(), env+indent+g.goBuild(tags, `-ldflags="`+ldflags+`"`, out))
	s.Serves = serves
	b.add(s)
	return out
}

// mounts are the cache mounts of a go build, and the secret with which it fetches what the cache has lost.
func (g *generator) mounts() []string {
	if !g.downloads() {
		return []string{goCache}
	}
	flags := []string{modCache, goCache}
	if len(g.Private) > 0 {
		flags = append(flags, netrc)
	}
	return flags
}

// tags are the build tags: the request's, or those of the binary, and the time zones.
func (g *generator) tags() []string {
	tags := slices.Clone(g.Tags)
	if len(tags) == 0 && g.Make != nil {
		tags = slices.Clone(g.Make.Tags)
	}
	if len(tags) == 0 && g.Binary != nil && g.Binary.Go != nil {
		tags = strings.FieldsFunc(g.Binary.Go.Settings["-tags"], func(r rune) bool { return r == ',' || r == ' ' })
	}
	if _, ok := g.need(binary.TopicZoneinfo); ok && !slices.Contains(tags, "timetzdata") && !g.embedsZones() {
		tags = append(tags, "timetzdata")
	}
	return tags
}

// taken says what of a Makefile's flags is taken over, and tells the person what is not.
func (g *generator) taken() []string {
	if len(g.Make.Lost) > 0 {
		g.note("%s builds the program with %s, which was not taken over", g.Make.At, strings.Join(g.Make.Lost, " "))
	}
	if len(g.Make.Values) == 0 && (len(g.Make.Tags) == 0 || len(g.Tags) > 0) {
		return nil
	}
	return []string{"the flags are those of " + g.Make.At}
}

// embedsZones reports whether the source imports the zones itself.
func (g *generator) embedsZones() bool { return slices.Contains(g.Main.Imports, "time/tzdata") }

// goBuild is the go build command line.
func (g *generator) goBuild(tags []string, ldflags, out string) string {
	words := []string{"go", "build", "-trimpath"}
	if len(tags) > 0 {
		words = append(words, "-tags="+strings.Join(tags, ","))
	}
	if ldflags != "" {
		words = append(words, ldflags)
	}
	pkg := "."
	if g.Main.Dir != "." {
		pkg = "./" + g.Main.Dir
	}
	return strings.Join(append(words, "-o", out, quoted(pkg)), " ")
}

// quoted is a word for a shell.
func quoted(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("./_-=,:@%+", r))
	}) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
