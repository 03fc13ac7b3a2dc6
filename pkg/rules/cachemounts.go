package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var cacheMountLost = &audit.Rule{
	ID:       "cache-mount-lost",
	Title:    "a file is written into a cache mount and read where the mount is not",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "A COPY --from, or a later RUN without the mount, reads a path below the target of a RUN --mount=type=cache. Certain when go build writes that very path in the RUN with the mount and nothing else in the stage can write it.",
		Why:    "A cache mount lies over the layer while its RUN runs and is gone after it: what was written there is in no layer. BuildKit even removes the directory that it made for the mount.",
		Unless: "The base image of that stage has the path itself.",
		Messages: []string{
			`failed to calculate checksum of ref *: "*": not found`,
			"cp: cannot stat '*': No such file or directory",
		},
	},
	Check: checkCacheLost,
}

// lost is a path that only a RUN with a cache mount over it has written.
type lost struct {
	run   *dockerfile.Instruction
	mount dockerfile.Mount
	build bool // go build writes it there
}

func checkCacheLost(p *audit.Pass) {
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		switch {
		case in.Copy != nil && in.Copy.From != nil && in.Copy.Known:
			for k, src := range in.Copy.Sources {
				name := path.Join("/", src)
				if l := lostIn(steps(in.Copy.From), name); l != nil {
					at := in.Span
					if k < len(in.Words) {
						at = in.Words[k].Span
					}
					reportLost(p, in, at, name, *l)
				}
			}
		case in.Run != nil:
			checkLostRead(p, stage, in)
		}
	})
}

// checkLostRead looks for a RUN that reads, by its whole name, a program that an earlier RUN built into a cache mount.
func checkLostRead(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	s := in.Script()
	if s == nil {
		return
	}
	before := append(steps(stage.Parent), stage.Instructions[:in.Index]...)
	for _, c := range s.Commands {
		for k, a := range c.Args {
			if !a.Literal || !path.IsAbs(a.Value) || !reads(c.Args, k) {
				continue
			}
			if l := lostIn(before, path.Clean(a.Value)); l != nil && l.build && mountOver(in, path.Clean(a.Value)) == nil {
				reportLost(p, in, in.At(a.Span), path.Clean(a.Value), *l)
				return
			}
		}
	}
}

// reads reports whether a command surely reads its k-th word: it is the program, or a source of cp, mv or strip.
func reads(args []dockerfile.ShellWord, k int) bool {
	return k == 0 || k < len(args)-1 && slices.Contains([]string{"cp", "mv", "install"}, args[0].Value) || k > 0 && args[0].Value == "strip"
}

// lostIn finds the RUN that alone wrote a path and had a cache mount over it, nil if another line may have written it.
func lostIn(steps []*dockerfile.Instruction, name string) *lost {
	if !slices.ContainsFunc(steps, func(in *dockerfile.Instruction) bool { return in.Run != nil && mountOver(in, name) != nil }) {
		return nil // the usual case, and no script is parsed for it
	}
	var found *lost
	for _, in := range steps {
		switch {
		case in.Copy != nil:
			if in.Copy.Covers(name) || below(name, in.Copy.Dest) {
				return nil
			}
		case in.Run != nil:
			m := mountOver(in, name)
			if m == nil {
				if mayWrite(in, name) {
					return nil
				}
				continue
			}
			if found == nil || !found.build {
				found = &lost{run: in, mount: *m, build: buildsTo(in, name)}
			}
		}
	}
	return found
}

// mountOver is the cache mount of a RUN that lies over a path, nil if there is none.
func mountOver(in *dockerfile.Instruction, name string) *dockerfile.Mount {
	for k, m := range in.Run.Mounts {
		if m.Type == "cache" && path.IsAbs(m.Target) && path.Clean(m.Target) != "/" && below(path.Clean(m.Target), name) {
			return &in.Run.Mounts[k]
		}
	}
	return nil
}

// buildsTo reports whether a go build of the RUN writes the path, or into it.
func buildsTo(in *dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(in.Run.Builds, func(b dockerfile.GoBuild) bool {
		return b.Output != "" && (below(name, b.Output) || strings.HasSuffix(b.Output, "/") && below(b.Output, name))
	})
}

// plainCommands are programs that write only where their words say, or to places of the system.
var plainCommands = []string{"apk", "apt-get", "apt", "adduser", "addgroup", "useradd", "groupadd", "cd", "chmod", "chown", "date", "echo", "env", "export", "file", "ls", "mkdir", "rm", "set", "test", "true", "uname", "update-ca-certificates", "which"}

// mayWrite reports whether a RUN without a mount over the path may have written it: it names the path's last or first
// elements, is no plain command, or is a go command and the path is one that go writes to.
func mayWrite(in *dockerfile.Instruction, name string) bool {
	s := in.Script()
	if s == nil {
		return true
	}
	elements := strings.Split(strings.Trim(name, "/"), "/")
	if strings.Contains(in.Run.Script, elements[len(elements)-1]) || strings.Contains(in.Run.Script, "/"+elements[0]) {
		return true
	}
	for _, c := range s.Commands {
		switch {
		case len(c.Args) > 0 && c.Args[0].Value == "go":
			if len(in.Run.Builds) > 0 && buildsTo(in, name) || strings.Contains(name, "/pkg/mod") || strings.Contains(name, "/go-build") || len(c.Args) > 1 && (c.Args[1].Value == "generate" || c.Args[1].Value == "run") {
				return true
			}
		case len(c.Args) > 0 && !slices.Contains(plainCommands, c.Args[0].Value):
			return true
		}
	}
	return false
}

func reportLost(p *audit.Pass, in *dockerfile.Instruction, at dockerfile.Span, name string, l lost) {
	reader := in.Keyword
	if in.Copy != nil {
		reader += " --from=" + flagValue(in, "from")
	}
	f := audit.Finding{
		Certainty: audit.Likely,
		Message:   fmt.Sprintf("%s reads %s, which line %d writes into a cache mount: it is in no layer", reader, name, l.run.Span.Start.Line),
		Evidence:  []audit.Evidence{p.At(l.run, "--mount=type=cache lies over %s while this RUN runs", l.mount.Target)},
		Words:     fmt.Sprintf("%q: not found", name),
		Remedy:    "Write it outside of the cache mount, or copy it out of there in the same RUN",
	}
	if in.Run != nil {
		f.Words = fmt.Sprintf("%s: No such file or directory", name)
	}
	if l.build {
		f.Certainty = audit.Proven
		f.Evidence = append(f.Evidence, p.At(l.run, "go build writes %s there", name))
		f.Fix = removeMount(p, l)
	}
	p.Report(p.BlameSpan(in, at).Of(f))
}

// removeMount takes away a cache mount that holds nothing but the program: the build fails with it, so that nothing
// depends on it. The caches of go itself stay.
func removeMount(p *audit.Pass, l lost) *audit.Fix {
	if l.mount.Span.IsZero() || strings.Contains(l.mount.Target, "/pkg/mod") || strings.Contains(l.mount.Target, "go-build") ||
		strings.HasSuffix(path.Clean(l.mount.Target), "/.cache") || path.Clean(l.mount.Target) == "/go" {
		return nil
	}
	source := string(p.Dockerfile.Source)
	span := l.mount.Span
	rest := source[span.End.Offset:]
	n := len(rest) - len(strings.TrimLeft(rest, " \t"))
	if after := rest[n:]; after == "" || after[0] == p.Dockerfile.Escape || n == 0 || after[0] == '\n' || after[0] == '\r' {
		return nil // the flag stands alone on its line
	}
	span.End.Offset += n
	span.End.Column += n
	return &audit.Fix{
		Title:  "Remove the cache mount over the program",
		Safety: audit.Safe,
		Edits:  []dockerfile.Edit{{Span: span}},
	}
}

// flagValue is the value of an instruction's flag as written, "" if it is not there.
func flagValue(in *dockerfile.Instruction, name string) string {
	for _, f := range in.Flags {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
