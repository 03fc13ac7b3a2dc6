package target

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// Trees that programs of a build change in ways that are not foretold. Packages of a distribution put nothing into
// /home, /opt, /srv, /usr/local, /usr/src and what the standard does not name. Source: Filesystem Hierarchy Standard 3.0;
// Debian Policy 9.1; Alpine's abuild refuses such packages too.
var (
	packageTrees = []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt", "/proc", "/root", "/run", "/sbin",
		"/sys", "/tmp", "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/sbin", "/usr/share", "/usr/x86_64-linux-gnu", "/var"}
	userTrees = []string{"/etc", "/home", "/root", "/var"}
)

// silent are programs that change no file when their output is not redirected.
var silent = []string{":", "[", "cat", "date", "echo", "export", "ls", "printf", "pwd", "set", "sleep", "test", "true", "which"}

// run is a RUN that is foretold.
type run struct {
	p   *predictor
	s   *dockerfile.Stage
	in  *dockerfile.Instruction
	w   *copying
	cwd string
}

// applyRun foretells a RUN: exactly where it only makes directories and sets modes, owners and links; of go commands and
// package managers it knows which trees they change. Anything else is an error.
func (p *predictor) applyRun(s *dockerfile.Stage, m *made, in *dockerfile.Instruction) ([]layers.File, error) {
	tree, err := m.tree()
	if err != nil {
		return nil, err
	}
	r := &run{p: p, s: s, in: in, w: &copying{m: m, dst: tree, files: []layers.File{}}, cwd: m.workdir}
	for _, mount := range in.Run.Mounts {
		switch mount.Type {
		case "cache", "tmpfs":
			m.haze(r.at(mount.Target))
		case "bind", "secret", "ssh":
		default:
			return nil, fmt.Errorf("a mount of type %s", mount.Type)
		}
	}
	for _, f := range in.Flags {
		if f.Name != "mount" && f.Name != "network" && f.Name != "security" {
			return nil, fmt.Errorf("--%s is not foretold", f.Name)
		}
	}
	commands, err := commandsOf(in)
	if err != nil {
		return nil, err
	}
	for _, c := range commands {
		if err := r.command(c); err != nil {
			return nil, err
		}
	}
	p.outputs(s, m, in)
	return r.w.files, nil
}

// haze says that nothing is known of what is in a tree from now on.
func (m *made) haze(trees ...string) {
	for _, t := range trees {
		if !slices.Contains(m.hazy, t) {
			m.hazy = append(m.hazy, t)
		}
	}
}

// sure says why what stands at a path, or below it, is not known.
func (m *made) sure(source string) error {
	clean := path.Clean("/" + source)
	if k := strings.IndexAny(clean, `*?[`); k >= 0 {
		clean = path.Dir(clean[:k] + "x")
	}
	return untouched(m, clean)
}

// untouched is sure for a path without wildcards.
func untouched(m *made, name string) error { return within(m.hazy, name) }

// within says which of some trees a path is in, or above.
func within(trees []string, name string) error {
	for _, t := range trees {
		if name == t || strings.HasPrefix(name, t+"/") || strings.HasPrefix(t, strings.TrimSuffix(name, "/")+"/") {
			return fmt.Errorf("a RUN may have changed %s", t)
		}
	}
	return nil
}

// commandsOf lists the commands of a RUN that runs all of them, one after the other, unless one fails.
func commandsOf(in *dockerfile.Instruction) ([]dockerfile.ShellCommand, error) {
	if in.JSON {
		c := dockerfile.ShellCommand{}
		for _, w := range in.Run.Exec {
			c.Args = append(c.Args, dockerfile.ShellWord{Value: w, Literal: true})
		}
		return []dockerfile.ShellCommand{c}, nil
	}
	script := in.Script()
	switch {
	case script == nil:
		return nil, errors.New("its script is not understood")
	case len(in.Heredocs) > 1 || strings.Contains(in.Run.Script, "||"):
		return nil, errors.New("what it runs depends on what happens")
	case strings.Contains(in.Run.Script, ">"):
		return nil, errors.New("it writes files by redirection")
	}
	for _, c := range script.Commands {
		switch {
		case c.Redirected:
			return nil, errors.New("it reads files by redirection")
		case c.Form != dockerfile.FormSimple && c.Form != dockerfile.FormAnd && c.Form != dockerfile.FormSequence && c.Form != dockerfile.FormEarly:
			return nil, errors.New("what it runs depends on what happens")
		}
	}
	return script.Commands, nil
}

// command foretells one command.
func (r *run) command(c dockerfile.ShellCommand) error {
	if len(c.Args) == 0 || !c.Args[0].Literal {
		return errors.New("it runs what is not known")
	}
	var words []string
	for _, a := range c.Args {
		words = append(words, a.Value)
	}
	literal := !slices.ContainsFunc(c.Args, func(w dockerfile.ShellWord) bool { return !w.Literal })
	name := path.Base(words[0])
	switch {
	case name == "go":
		return r.goes(words)
	case slices.Contains(silent, name):
		return nil
	case !literal && name != "go":
		return fmt.Errorf("%s is given what is not known", name)
	case name == "apk" || name == "apt-get" || name == "apt" || name == "dnf" || name == "microdnf" || name == "yum" || name == "update-ca-certificates":
		if slices.ContainsFunc(words, elsewhere) {
			return fmt.Errorf("where %s puts things", name)
		}
		r.w.m.haze(packageTrees...)
		return nil
	case name == "adduser" || name == "addgroup" || name == "useradd" || name == "groupadd":
		r.w.m.haze(userTrees...)
		for _, w := range words[1:] { // a home elsewhere
			if _, value, ok := strings.Cut(w, "="); ok {
				w = value
			}
			if path.IsAbs(w) {
				r.w.m.haze(path.Clean(w))
			}
		}
		return nil
	case name == "cd" && len(words) == 2 && words[1] != "-":
		r.cwd = r.at(words[1])
		return nil
	case name == "rm" && r.cleans(words[1:]):
		return nil
	}
	return r.exact(name, words[1:])
}

// elsewhere reports whether an argument of a package manager has it put things into another root.
func elsewhere(w string) bool {
	return strings.HasPrefix(w, "--root") || strings.HasPrefix(w, "--installroot") || w == "-p" || strings.Contains(w, "Dir")
}

// goes foretells what a go command leaves beside the program that it builds.
func (r *run) goes(words []string) error {
	k := 1
	for k < len(words) && strings.HasPrefix(words[k], "-C") {
		k += 1 + len("-C")/len(words[k]) // -C DIR or -C=DIR
	}
	verb := ""
	if k < len(words) {
		verb = words[k]
	}
	switch verb {
	case "build", "install", "env", "list", "version", "vet", "mod":
	default:
		return fmt.Errorf("what go %s leaves", verb)
	}
	if verb == "mod" && (k+1 >= len(words) || words[k+1] != "download" && words[k+1] != "verify") {
		return errors.New("it changes go.mod")
	}
	if verb == "install" && strings.Contains(strings.Join(words, " "), "@") {
		r.w.m.haze("/go/bin")
	}
	home := "/root"
	if r.w.m.user != "" && r.w.m.user != "root" && r.w.m.user != "0" {
		home = "/home"
	}
	r.w.m.haze("/tmp", home, path.Join(r.variable("GOPATH", home+"/go"), "pkg"), r.variable("GOCACHE", home+"/.cache"), r.variable("GOMODCACHE", "/go/pkg"))
	return nil
}

// variable is what the stage sets a variable to, or what it is else.
func (r *run) variable(name, usual string) string {
	for _, v := range r.s.Env {
		if v.Key == name && v.Known && path.IsAbs(v.Value) {
			return v.Value
		}
	}
	return usual
}

// cleans reports whether rm takes away only what is not known anyway.
func (r *run) cleans(words []string) bool {
	for _, w := range words {
		for _, at := range slices.Concat(slices.Collect(maps.Keys(r.w.m.outputs)), slices.Collect(maps.Keys(r.w.m.built))) {
			if dir, _, _ := strings.Cut(r.at(w), "*"); strings.HasPrefix(at, dir) {
				return false
			}
		}
		if !strings.HasPrefix(w, "-") && !slices.ContainsFunc(r.w.m.hazy, func(t string) bool { return strings.HasPrefix(r.at(w), t+"/") }) {
			return false
		}
	}
	return true
}

func (r *run) at(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", r.cwd, name)
}
