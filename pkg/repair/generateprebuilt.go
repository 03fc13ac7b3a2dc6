package repair

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// prebuilt ships a program of the context as it is.
func (g *generator) prebuilt(final *Stage) {
	s := line("", "COPY", g.Prebuilt, g.program)
	if g.Context != nil {
		if fi, err := fs.Stat(g.Context, g.Prebuilt); err == nil && fi.Mode().Perm()&0o005 != 0o005 {
			s.Flags = []string{"--chmod=0755"}
		}
	}
	if g.Binary != nil && g.Binary.ELF.Arch != "" {
		s.Serves = []string{"built for linux/" + g.Binary.ELF.Arch + ", and so is the image that ships it"}
		g.note("the program is built for linux/%s: build the image with --platform=linux/%s", g.Binary.ELF.Arch, g.Binary.ELF.Arch)
	}
	final.add(s)
	g.libraries("")
}

// fromImage takes the program, and the files beside it, out of an existing image.
func (g *generator) fromImage(final *Stage) {
	entry := g.Image.Entry()
	g.plan.Stages = append(g.plan.Stages, Stage{Name: "app", From: g.ImageRef, Serves: []string{"the image that has the program"}})
	g.program = entry.Path
	final.add(copyFrom("", "app", entry.Path, entry.Path))
	for _, name := range g.besides() {
		final.add(copyFrom("", "app", name, name))
	}
	g.libraries("app")
	if wd := g.Image.Image.Config.WorkingDir; wd != "" && wd != "/" {
		final.add(line("", "WORKDIR", wd))
	}
}

// libraries copies shared libraries beyond the base's own, from an image that has them.
func (g *generator) libraries(stage string) {
	for _, lib := range g.linking.libraries {
		if g.linking.libc == binary.Glibc && slices.Contains(slimParts, lib) && g.Base == "" {
			continue
		}
		if stage == "" {
			g.note("the program needs %s, which %s may not have: name a base that has it with --base", lib, g.base)
		} else {
			g.note("the program needs %s: see that %s has it, or copy it from %s", lib, g.base, g.ImageRef)
		}
	}
}

// sourceLike are names of the working directory that no running service reads.
var sourceLike = []string{"go.mod", "go.sum", "go.work", "go.work.sum", "Dockerfile", "Makefile", "LICENSE", "vendor", "testdata", "docker-compose.yml", "compose.yaml"}

// besides are the files and directories of the image's working directory beside the program: what it may read there.
func (g *generator) besides() []string {
	wd := g.Image.Image.Config.WorkingDir
	if wd == "" || wd == "/" || g.Image.Image.FS == nil || strings.HasPrefix(wd, "/root") || strings.HasPrefix(wd, "/home") {
		return nil
	}
	entries, err := fs.ReadDir(g.Image.Image.FS, strings.TrimPrefix(path.Clean(wd), "/"))
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		name := e.Name()
		full := path.Join(wd, name)
		if full == g.program || name[0] == '.' || path.Ext(name) == ".go" || slices.Contains(sourceLike, name) {
			continue
		}
		all = append(all, full)
	}
	return all
}

// environment takes over the variables of an image that its base surely did not set.
func (g *generator) environment(s *Stage) {
	if g.Image == nil || g.Image.Image == nil {
		return
	}
	for _, kv := range g.Image.Image.Config.Env {
		key, value, _ := strings.Cut(kv, "=")
		if slices.Contains([]string{"PATH", "GOLANG_VERSION", "GOTOOLCHAIN", "GOPATH", "SSL_CERT_FILE", "HOME"}, key) {
			continue
		}
		s.add(line("", "ENV", key+"="+dockerQuoted(value)))
	}
	labels := g.Image.Image.Config.Labels
	var keys []string
	for k := range labels {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s.add(line("", "LABEL", dockerQuoted(k)+"="+dockerQuoted(labels[k])))
	}
	for _, v := range g.Image.Image.Config.Volumes {
		s.add(line("", "VOLUME", `["`+v+`"]`))
	}
}

// dockerQuoted is a value as ENV and LABEL take it.
func dockerQuoted(v string) string {
	if v != "" && !strings.ContainsAny(v, " \t\"'\\$\n#") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`).Replace(v) + `"`
}

// user is who runs the program: the image's own user if that is a number and not root.
func (g *generator) user() string {
	if g.Image != nil && g.Image.Image != nil {
		id := g.Image.Image.Config.User
		name, _, _ := strings.Cut(id, ":")
		if name != "" && name != "0" && strings.Trim(name, "0123456789") == "" {
			return id
		}
	}
	return numbers
}

// command keeps the arguments that an image starts its program with.
func (g *generator) command(s *Stage) {
	if g.Image == nil || g.Image.Image == nil {
		return
	}
	c := g.Image.Image.Config
	args := append(slices.Clone(c.Entrypoint), c.Cmd...)
	if len(args) > 0 && path.Base(args[0]) != path.Base(g.program) {
		g.note("the image starts the program through %s, which is left out: see what that does", args[0])
		return
	}
	if len(args) < 2 {
		return
	}
	s.add(exec("", "CMD", args[1:]...))
}
