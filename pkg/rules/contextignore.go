package rules

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// contextFilter decides what an ignore file may leave out of the context without the build or the service missing it.
type contextFilter struct {
	*audit.Pass
	reads *contextReads
	why   map[string]verdict                          // by file
	taken map[*dockerfile.Instruction]map[string]bool // nil where that is not known
	git   *bool                                       // see gitNeeded
}

// verdict is whether a file may be left out.
type verdict int

const (
	needed   verdict = iota // the build reads it, or the ignore file takes it back by its name
	perhaps                 // the service or a program of the build may read it
	needless                // nobody reads it
)

func newFilter(p *audit.Pass) *contextFilter {
	return &contextFilter{Pass: p, why: map[string]verdict{}, taken: map[*dockerfile.Instruction]map[string]bool{}}
}

// takes reports whether a COPY or ADD from the context takes a file, or may take it.
func (f *contextFilter) takes(in *dockerfile.Instruction, name string) bool {
	set, ok := f.taken[in]
	if !ok {
		if files, err := f.Context.Taken(in, 0); err == nil {
			set = map[string]bool{}
			for _, file := range files {
				set[file] = true
			}
		}
		f.taken[in] = set
	}
	return set == nil || set[name]
}

// verdict says whether a secret may be left out: by every COPY that takes it, and every RUN that sees it.
func (f *contextFilter) verdict(name string) verdict {
	if v, ok := f.why[name]; ok {
		return v
	}
	if f.reads == nil {
		f.reads = readContext(f.Pass)
	}
	out := needless
	if f.reads.embeds(name) || takenBack(f.Context, name) {
		out = needed
	}
	for _, stage := range f.Dockerfile.Stages {
		for _, in := range stage.Instructions {
			if out == needed {
				break
			}
			if to := f.lands(in, name); to != "" {
				out = min(out, f.below(stage, in, name, to))
			}
		}
	}
	f.why[name] = out
	return out
}

// lands is where in its stage an instruction puts a file of the context, or shows it; "" if it does not.
func (f *contextFilter) lands(in *dockerfile.Instruction, name string) string {
	switch {
	case in.Copy != nil && in.Copy.From == nil && in.Copy.FromImage == "":
		if f.takes(in, name) {
			return in.Copy.Lands(name)
		}
	case in.Run != nil:
		for _, m := range in.Run.Mounts {
			if m.Type == "bind" && m.From == "" && below(path.Join("/", m.Source), "/"+name) {
				return path.Join("/", m.Target, name)
			}
		}
	}
	return ""
}

// below says what the lines below a COPY, or the RUN of a mount, do with a secret.
func (f *contextFilter) below(stage *dockerfile.Stage, in *dockerfile.Instruction, name, to string) verdict {
	if in.Copy != nil && (!in.Copy.Known || slices.ContainsFunc(in.Copy.Sources, func(s string) bool { return meant(s, name) })) {
		return needed // by its own name
	}
	out := needless
	if slices.ContainsFunc(f.Dockerfile.Stages, func(s *dockerfile.Stage) bool {
		return slices.ContainsFunc(s.Instructions, func(o *dockerfile.Instruction) bool {
			return o.Copy != nil && o.Copy.From != nil && slices.ContainsFunc(o.Copy.Sources, func(s string) bool { return path.Base(s) == path.Base(name) || meant(s, name) })
		})
	}) {
		return needed // another stage wants it
	}
	if dir := path.Dir(to); dir == "/root" || path.Dir(dir) == "/home" {
		out = perhaps // where programs look for it
	}
	for _, s := range f.Dockerfile.Stages {
		for _, step := range s.Instructions {
			if step.Run != nil && (step == in || in.Copy != nil && f.sees(s, stage)) {
				out = min(out, runReads(step, name))
			}
		}
	}
	if pathReach(f.Pass, stage, to) == ships && !slices.Contains(neverServed, path.Base(name)) {
		out = min(out, f.reads.service(f.Pass, name))
	}
	return out
}

// sees reports whether a stage has files of another: it starts from it, or copies from one that does.
func (f *contextFilter) sees(s, of *dockerfile.Stage) bool {
	if startsFrom(s, of) {
		return true
	}
	return slices.ContainsFunc(steps(s), func(in *dockerfile.Instruction) bool {
		if in.Run != nil {
			return slices.ContainsFunc(in.Run.Mounts, func(m dockerfile.Mount) bool { return m.From != "" })
		}
		return in.Copy != nil && in.Copy.From != nil && f.sees(in.Copy.From, of)
	})
}

// meant reports whether a source of COPY is a file by its name, or by a pattern of its last element.
func meant(source, name string) bool {
	source = strings.TrimPrefix(path.Clean("/"+source), "/")
	if source == name {
		return true
	}
	last := path.Base(source)
	matches, _ := path.Match(last, path.Base(name))
	return matches && last != "*" && strings.ContainsAny(last, "*?[")
}

// neverServed are secrets of the tools of a build: no service reads them.
var neverServed = []string{".netrc", "_netrc", ".npmrc", ".git-credentials"}

// bystanders are commands that read nothing but what their words name, or what a build of Go is made of.
var bystanders = append([]string{"mv", "cp", "ln", "strip", "upx", "touch", "printf", "addgroup", "setcap", "unset", "sync", "["}, plainCommands...)

// runReads says whether a RUN may read a secret that it sees.
func runReads(in *dockerfile.Instruction, name string) verdict {
	s := in.Script()
	if s == nil || strings.Contains(in.Run.Script, path.Base(name)) {
		return needed
	}
	out := needless
	for _, c := range s.Commands {
		if len(c.Args) == 0 {
			continue
		}
		switch command := c.Args[0].Value; {
		case command == "go":
			if len(c.Args) < 2 || !slices.Contains([]string{"build", "install", "mod", "vet", "env", "version"}, c.Args[1].Value) {
				out = perhaps
			}
		case !slices.Contains(bystanders, command):
			out = perhaps
		}
		for _, w := range c.Args[1:] {
			matches, _ := path.Match(path.Base(w.Value), path.Base(name))
			if strings.ContainsAny(w.Value, "*?[") && matches || c.Args[0].Value != "go" && path.Dir(name) != "." && strings.Contains(w.Value, path.Base(path.Dir(name))) {
				out = perhaps
			}
		}
	}
	return out
}

// takenBack reports whether the ignore file has a "!" line for a file by its name: somebody wants it.
func takenBack(ctx *dockerfile.Context, name string) bool {
	return slices.ContainsFunc(ctx.Patterns, func(p string) bool {
		p, ok := strings.CutPrefix(p, "!")
		last := path.Base(p)
		if !ok || strings.Trim(last, "*") == "" {
			return false
		}
		matches, _ := path.Match(last, path.Base(name))
		return matches
	})
}

// leaveOut makes the fix that leaves files out of the context, nil where one of them is needed, or no line of an ignore
// file leaves out these and nothing else that is any good.
func (f *contextFilter) leaveOut(names, patterns []string, safety audit.Safety, title string) *audit.Fix {
	if !f.exact(patterns, safety) {
		if slices.ContainsFunc(names, func(s string) bool { return strings.ContainsAny(s, "*?[]\\\n\r") || strings.TrimSpace(s) != s }) || len(names) > 50 {
			return nil
		}
		patterns = names
		if !f.exact(patterns, safety) {
			return nil
		}
	}
	edit, err := appended(f.Context, patterns)
	if err != nil {
		return nil
	}
	return &audit.Fix{Title: title, Safety: safety, Edits: []dockerfile.Edit{edit}}
}

// exact reports whether the context loses only what may be left out when these lines stand at the end of the ignore file.
func (f *contextFilter) exact(patterns []string, safety audit.Safety) bool {
	const most = 200_000 // files
	without, err := f.Context.With(patterns...)
	if err != nil {
		return false
	}
	n := 0
	err = f.Context.Walk(func(name string, dir bool) error {
		if n++; n > most {
			return fmt.Errorf("more than %d files", most)
		}
		gone, err := without.Ignored(name)
		if err != nil || !gone || dir || f.harmful(name, safety) {
			return err
		}
		return fmt.Errorf("%s is none", name)
	})
	if err != nil {
		return false
	}
	for _, stage := range f.Dockerfile.Stages {
		for _, in := range stage.Instructions {
			if in.Copy == nil || in.Copy.From != nil || in.Copy.FromImage != "" {
				continue
			}
			if _, err := f.Context.Taken(in, 0); err != nil {
				continue // it is none that this makes fail
			}
			if _, err := without.Taken(in, 0); err != nil {
				return false
			}
		}
	}
	return true
}

// harmful reports whether a file may be left out by a fix.
func (f *contextFilter) harmful(name string, safety audit.Safety) bool {
	if inGit(name) || path.Base(name) == ".git" {
		return !f.gitNeeded()
	}
	if is, _ := secretFile(f.Context.FS, name); !is {
		return false
	}
	v := f.verdict(name)
	return v == needless || v == perhaps && safety == audit.Unsafe
}

// appended is the edit that puts lines at the end of the ignore file that applies. It replaces the last byte of the file,
// so that of two fixes one is made after the other, for what then is left.
func appended(ctx *dockerfile.Context, lines []string) (dockerfile.Edit, error) {
	e := dockerfile.Edit{Path: ".dockerignore"}
	if ctx.IgnoreFile == "" {
		e.New = strings.Join(lines, "\n") + "\n"
		return e, nil
	}
	const most = 1 << 20 // bytes; a larger one is not read at all
	file, err := ctx.FS.Open(ctx.IgnoreFile)
	if err != nil {
		return e, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return e, err
	}
	newline := lineEnd(text)
	e.New = strings.Join(lines, newline) + newline
	if len(text) == 0 {
		return e, nil
	}
	end := len(text)
	last := string(text[end-1:])
	if last != "\n" {
		last += newline
	}
	e.New = last + e.New
	e.Span = dockerfile.Span{Start: placeOf(string(text), end-1), End: placeOf(string(text), end)}
	return e, nil
}
