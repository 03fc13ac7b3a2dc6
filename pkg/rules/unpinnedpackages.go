package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var packagesUnpinned = &audit.Rule{
	ID:       "packages-unpinned",
	Title:    "a tool is installed in whatever version is the latest",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "go install, go run and go get of a package at latest, or at a branch; pip install, npm install --global, gem install and cargo install of packages without a version. One finding per file. Packages of apt and apk are left alone on purpose: Debian and Alpine serve only the newest build of a version, so that a pinned one stops the build some day, and the base image's digest (base-unpinned) says which release they come from.",
		Why:    "The same Dockerfile builds something else tomorrow, and a new version with new checks or new output breaks the build of an old commit.",
		Unless: "The image is for trying out the newest versions.",
	},
	Check: checkPackagesUnpinned,
}

func checkPackagesUnpinned(p *audit.Pass) {
	var names []string
	var evidence []audit.Evidence
	var first audit.Cause
	eachNeeded(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		s := in.Script()
		if in.Run == nil || s == nil {
			return
		}
		for _, c := range s.Commands {
			for _, w := range unpinnedWords(c) {
				if names = append(names, w.Value); len(names) == 1 {
					first = p.BlameSpan(in, in.At(w.Span))
				}
				evidence = append(evidence, p.At(in, "%s %s", text(c), w.Value))
			}
		}
	})
	if len(names) == 0 {
		return
	}
	p.Report(first.Of(audit.Finding{
		Message:  fmt.Sprintf("%s: the build installs whatever is the latest version that day", someOf(names, 3)),
		Evidence: evidence,
		Remedy:   "Name a version, or let go.mod do it: a tool directive, and go install tool",
	}))
}

// moving are the versions of a Go module that are another one tomorrow.
var moving = []string{"latest", "upgrade", "patch", "master", "main", "HEAD"}

// unpinnedWords are the packages that a command installs without a version.
func unpinnedWords(c dockerfile.ShellCommand) []dockerfile.ShellWord {
	if len(c.Args) < 3 {
		return nil
	}
	program, verb, rest := c.Args[0].Value, c.Args[1].Value, c.Args[2:]
	if program == "python" || program == "python3" {
		if verb != "-m" || len(rest) < 2 || rest[0].Value != "pip" {
			return nil
		}
		program, verb, rest = "pip", rest[1].Value, rest[2:]
	}
	switch program {
	case "go":
		if slices.Contains([]string{"install", "run", "get"}, verb) {
			return filter(rest, func(w string) bool {
				_, v, at := strings.Cut(w, "@")
				return at && slices.Contains(moving, v)
			})
		}
	case "pip", "pip3":
		if verb == "install" && !slices.ContainsFunc(rest, func(w dockerfile.ShellWord) bool {
			return slices.Contains([]string{"-r", "-c", "-e", "--requirement", "--constraint", "--editable"}, w.Value) || strings.HasPrefix(w.Value, "--requirement=")
		}) {
			return filter(rest, func(w string) bool { return !strings.ContainsAny(w, "=<>~@/.") && w != "pip" })
		}
	case "npm":
		global := slices.ContainsFunc(rest, func(w dockerfile.ShellWord) bool { return w.Value == "-g" || w.Value == "--global" })
		if (verb == "install" || verb == "i") && global {
			return filter(rest, func(w string) bool {
				return !strings.Contains(strings.TrimPrefix(w, "@"), "@") && !strings.HasPrefix(w, ".") || strings.HasSuffix(w, "@latest")
			})
		}
	case "gem", "cargo":
		if verb == "install" && !slices.ContainsFunc(rest, func(w dockerfile.ShellWord) bool {
			return slices.Contains([]string{"-v", "--version", "--path", "--git", "--locked", "-f"}, w.Value) || strings.HasPrefix(w.Value, "--version=")
		}) {
			return filter(rest, func(w string) bool { return !strings.ContainsAny(w, "@:/.") })
		}
	}
	return nil
}

// filter keeps the literal words that are no options and of which f is true; nothing where a word is the value of an
// option that is not known here.
func filter(words []dockerfile.ShellWord, f func(string) bool) []dockerfile.ShellWord {
	var out []dockerfile.ShellWord
	for k, w := range words {
		if !w.Literal || strings.HasPrefix(w.Value, "-") || k > 0 && takesValue(words[k-1].Value) {
			continue
		}
		if f(w.Value) {
			out = append(out, w)
		}
	}
	return out
}

// takesValue reports whether an option of these programs is followed by its value.
func takesValue(option string) bool {
	return slices.Contains([]string{"-i", "--index-url", "--extra-index-url", "-t", "--target", "--prefix", "--root", "--registry", "-tags", "-ldflags", "-o", "--find-links", "--trusted-host", "--no-binary", "--only-binary", "-modfile", "--features", "--bin"}, option)
}
