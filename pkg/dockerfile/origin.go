package dockerfile

import (
	"path"
	"slices"
	"strings"
)

// maxSteps bounds the search for an origin.
const maxSteps = 1000

func (f *File) origin(s *Stage, name string) []*Instruction {
	t := tracer{steps: maxSteps}
	chain, _ := t.trace(s, path.Clean("/"+name))
	return chain
}

// tracer follows paths back through the stages.
type tracer struct{ steps int }

// trace follows a path of stage s. certain is true when the chain ends at an instruction that made the content, not at one
// behind which it was lost.
func (t *tracer) trace(s *Stage, name string) (chain []*Instruction, certain bool) {
	for ; s != nil; s = s.Parent {
		if t.steps--; t.steps < 0 {
			return nil, false
		}
		in := s.writer(name)
		if in == nil {
			continue
		}
		if home := in.home(); home != in {
			return []*Instruction{home}, true
		}
		if in.Copy == nil {
			return []*Instruction{in}, true
		}
		rest, certain := t.behind(in.Copy, name)
		return append([]*Instruction{in}, rest...), certain
	}
	return nil, false
}

// behind follows a path to where a COPY got it from. Of several possible sources the first one whose origin is certain
// counts, else the only one that leads anywhere.
func (t *tracer) behind(c *Copy, name string) (chain []*Instruction, certain bool) {
	if c.From == nil {
		return nil, c.FromImage == ""
	}
	ways := 0
	for _, source := range c.sourcesOf(name) {
		rest, ok := t.trace(c.From, source)
		if ok {
			return rest, true
		}
		if len(rest) > 0 {
			chain = rest
			ways++
		}
	}
	if ways > 1 {
		return nil, false
	}
	return chain, false
}

// writer is the instruction of the stage itself that put a path there, nil if none surely did. The last one that names
// the path wins: a go build with that output, or a COPY to just there. Otherwise it is the RUN, or the COPY around the
// path, that alone can have; a COPY from the context only if nothing else can, since sources are copied before they
// are built.
func (s *Stage) writer(name string) *Instruction {
	var made, copied []*Instruction
	for _, in := range slices.Backward(slices.Concat(s.Triggers, s.Instructions)) {
		switch {
		case in.Run != nil:
			exact, maybe := in.writes(name)
			if exact {
				return in
			}
			if maybe {
				made = append(made, in)
			}
		case in.Copy != nil:
			exact, maybe := in.Copy.brings(name)
			switch {
			case exact:
				return in
			case maybe && in.Copy.From == nil && in.Copy.FromImage == "":
				copied = append(copied, in)
			case maybe:
				made = append(made, in)
			}
		}
	}
	if len(made) == 0 {
		made = copied
	}
	if len(made) == 1 {
		return made[0]
	}
	return nil
}

// writes reports whether a RUN surely writes a path, or maybe does.
func (i *Instruction) writes(name string) (exact, maybe bool) {
	for _, b := range i.Run.Builds {
		dir, inDir := strings.CutSuffix(b.Output, "/")
		switch {
		case b.Output == name:
			return true, true
		case inDir && (path.Dir(name) == dir || dir == "" && path.Dir(name) == "/"):
			maybe = true
		case b.Output == "" && (b.Dir == "" || b.Dir == path.Dir(name) || outputUnknown(b)):
			maybe = true
		}
	}
	return false, maybe || !i.harmless()
}

// outputUnknown reports whether the build names an output that we could not resolve.
func outputUnknown(b GoBuild) bool {
	_, ok := b.Flag("o")
	return ok || b.Verb == "install"
}

// harmlessPrograms write no programs of the user's, whatever their arguments.
var harmlessPrograms = map[string]bool{
	"addgroup": true, "adduser": true, "apk": true, "apt": true, "apt-get": true, "cat": true, "cd": true, "chmod": true,
	"chown": true, "date": true, "dnf": true, "echo": true, "export": true, "groupadd": true, "ls": true, "microdnf": true,
	"mkdir": true, "printf": true, "pwd": true, "rm": true, "set": true, "sleep": true, "test": true, "true": true,
	"update-ca-certificates": true, "useradd": true, "which": true, "yum": true,
}

// harmless reports whether all that a RUN starts is known to put no program of the user's anywhere, its go builds aside.
func (i *Instruction) harmless() bool {
	commands := [][]string{i.Run.Exec}
	if i.Run.Exec == nil {
		script := i.Script()
		if script == nil {
			return i.Text == "" // else another language's
		}
		commands = nil
		for _, c := range script.Commands {
			var words []string
			for _, a := range c.Args {
				words = append(words, a.Value)
			}
			commands = append(commands, words)
		}
	}
	return !slices.ContainsFunc(commands, func(words []string) bool {
		if len(words) == 0 {
			return false
		}
		if path.Base(words[0]) == "go" && len(words) > 1 {
			return !slices.Contains([]string{"build", "install", "mod", "vet", "test", "env", "version", "list", "-C"}, words[1])
		}
		return !harmlessPrograms[path.Base(words[0])] && path.Base(words[0]) != "env"
	})
}

// brings reports whether a COPY surely puts a path there, or maybe does.
func (c *Copy) brings(name string) (exact, maybe bool) {
	if !c.Known || c.Dest == "" {
		return false, true
	}
	return c.Makes(name), len(c.sourcesOf(name)) > 0
}

// sourcesOf gives the paths, on the other side, that may have become name, the most likely first.
func (c *Copy) sourcesOf(name string) []string {
	var sources []string
	add := func(p string) {
		if !slices.Contains(sources, p) {
			sources = append(sources, p)
		}
	}
	below, inside := cutDir(name, c.Dest)
	for _, src := range c.Sources {
		abs := path.Clean("/" + src)
		switch {
		case name == c.Dest && !c.DestDir:
			add(abs)
		case !inside:
		case hasWildcard(src):
			if ok, _ := path.Match(abs, path.Join(path.Dir(abs), below)); ok && !strings.Contains(below, "/") {
				add(path.Join(path.Dir(abs), below))
			}
		default:
			if below == path.Base(abs) {
				add(abs) // a file copied into the directory
			}
			add(path.Join(abs, below)) // a directory's content
		}
	}
	return sources
}

// cutDir gives the part of a path below a directory.
func cutDir(name, dir string) (below string, ok bool) {
	if dir == "/" {
		return strings.TrimPrefix(name, "/"), name != "/"
	}
	return strings.CutPrefix(name, dir+"/")
}
