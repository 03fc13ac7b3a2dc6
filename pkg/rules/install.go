package rules

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// presence says whether something is in a stage.
type presence int

const (
	unsure presence = iota
	absentThere
	presentThere
)

// isAlpineGolang reports whether an image is the official Go image on Alpine, whose Dockerfile installs ca-certificates
// and nothing else: neither a C compiler nor git.
func isAlpineGolang(name string) bool {
	name, _, _ = strings.Cut(name, "@")
	return official(name, "golang") && strings.Contains(name[strings.LastIndexByte(name, '/')+1:], "alpine")
}

// isDebianGolang reports whether an image is the official Go image on Debian, which has gcc, g++ and, by buildpack-deps:scm,
// git.
func isDebianGolang(name string) bool {
	tag, _, _ := strings.Cut(name, "@")
	tag = tag[strings.LastIndexByte(tag, '/')+1:]
	return official(name, "golang") && !slices.ContainsFunc([]string{"alpine", "windows", "nanoserver", "slim"}, func(s string) bool { return strings.Contains(tag, s) })
}

// provides says whether the steps above and in a RUN may bring a program: one of the words names a package that does,
// anywhere in a script. Scripts that cannot be read, or run what is not known here, leave it unsure.
func provides(stage *dockerfile.Stage, in *dockerfile.Instruction, words ...string) presence {
	out := absentThere
	for _, step := range append(before(stage, in), in) {
		switch {
		case step.Copy != nil && (step.Copy.From != nil || step.Copy.FromImage != "" || step.Keyword == "ADD"):
			if slices.ContainsFunc([]string{"/usr/bin", "/usr/local/bin", "/bin"}, step.Copy.Covers) || below("/usr", step.Copy.Dest) {
				out = unsure
			}
		case step.Run == nil:
		case len(step.Run.Mounts) > 0 && slices.ContainsFunc(step.Run.Mounts, func(m dockerfile.Mount) bool { return m.From != "" }):
			out = unsure
		default:
			switch p := scriptProvides(step, words); p {
			case presentThere:
				return p
			case unsure:
				out = unsure
			}
		}
	}
	return out
}

// harmless are programs that bring no other: they are not package managers, and run nothing that this RUN does not name.
var harmless = append([]string{"go", "cp", "mv", "ln", "git", "sed", "tar", "unzip", "strip", "upx", "touch", "printf", "cat", "addgroup", "find", "grep", "install", "setcap", "time", "exec", "trap", "unset", "sync", "["}, plainCommands...)

func scriptProvides(in *dockerfile.Instruction, words []string) presence {
	s := in.Script()
	if s == nil {
		return unsure
	}
	out := absentThere
	for _, c := range s.Commands {
		if len(c.Args) == 0 {
			continue
		}
		if !slices.Contains(harmless, c.Args[0].Value) {
			out = unsure
		}
		if !installs(c) {
			continue
		}
		for _, a := range c.Args[1:] {
			name, _, _ := strings.Cut(strings.TrimLeft(a.Value, "\"'"), "=")
			name = strings.TrimRight(name, "<>~\"'")
			switch {
			case slices.Contains(words, name):
				return presentThere
			case !a.Literal:
				out = unsure
			}
		}
	}
	return out
}

// apkFix brings packages into an Alpine stage: into the apk add above that is plain, else by a line of its own before an
// instruction. nil where that would not run as root.
func apkFix(p *audit.Pass, stage *dockerfile.Stage, at *dockerfile.Instruction, packages, title string) *audit.Fix {
	for _, in := range stage.Instructions[:at.Index+1] {
		if edits := installMore(p, in, map[string]string{"apk": packages}); edits != nil {
			return &audit.Fix{Title: title, Safety: audit.Safe, Edits: edits}
		}
	}
	first := at
	for _, in := range stage.Instructions[:at.Index] {
		if in.Keyword == "COPY" || in.Keyword == "ADD" || in.Keyword == "RUN" {
			first = in // where no changed file makes it run again
			break
		}
	}
	if !runsAsRootAt(stage, first) {
		return nil
	}
	return &audit.Fix{Title: title, Safety: audit.Safe, Edits: []dockerfile.Edit{lineBefore(p, first, "RUN apk add --no-cache "+packages)}}
}

// installMore adds packages, by package manager, to the first plain install command of a RUN; nil if it has none, or
// removes packages again.
func installMore(p *audit.Pass, in *dockerfile.Instruction, packages map[string]string) []dockerfile.Edit {
	s := in.Script()
	if in.Run == nil || s == nil || removesPackages.MatchString(in.Run.Script) {
		return nil
	}
	for _, c := range s.Commands {
		if len(c.Args) < 3 || packages[c.Args[0].Value] == "" || !installs(c) || c.Redirected || !plainInstall(c) {
			continue
		}
		last := c.Args[len(c.Args)-1]
		if at := in.At(last.Span); !at.IsZero() && p.Dockerfile.Text(at) == last.Value {
			return []dockerfile.Edit{{Span: dockerfile.Span{Start: at.End, End: at.End}, New: " " + packages[c.Args[0].Value]}}
		}
	}
	return nil
}

// removesPackages finds what takes packages away again, or names a group of them for that.
var removesPackages = lazyregexp.New(`\b(purge|autoremove|remove|del)\b|--virtual|\s-t\s`)

// plainInstall reports whether the last word of an install command is surely a package, and all words are plain.
func plainInstall(c dockerfile.ShellCommand) bool {
	before, last := c.Args[len(c.Args)-2].Value, c.Args[len(c.Args)-1].Value
	return last != "add" && last != "install" && !strings.HasPrefix(last, "-") &&
		!slices.Contains([]string{"-o", "-c", "-X", "--repository", "-a", "-p"}, before) &&
		!slices.ContainsFunc(c.Args, func(w dockerfile.ShellWord) bool { return !w.Literal || w.Value == "-X" || w.Value == "--repository" })
}
