package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var installedInWrongStage = &audit.Rule{
	ID:       "installed-in-wrong-stage",
	Title:    "CA roots, time zones or users are made in a stage and do not reach the image",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "ca-certificates or tzdata installed in a build stage while the final stage is from scratch, starts a program and copies no such file; a user made in a build stage and named by USER in a final stage whose /etc/passwd is not copied from there and that makes no user itself. Likely at most: a build may need them for itself.",
		Why:    "Only what COPY --from names leaves a stage. The program then runs without CA roots or time zones, or the container does not start at all.",
		Unless: "The build stage needs them itself, and the program does not.",
		Messages: []string{
			"unable to find user *: no matching entries in passwd file",
		},
	},
	Check: checkWrongStage,
}

// installed is what people install for the program at run time.
type installed struct {
	packages []string // that bring it
	what     string
	covers   string // a path that a COPY must cover to bring it along
	copies   string // what to copy from the stage, and to where
}

var runtimeFiles = []installed{
	{[]string{"ca-certificates", "ca-certificates-bundle"}, "CA roots", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/"},
	{[]string{"tzdata"}, "time zones", "/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo /usr/share/zoneinfo"},
}

func checkWrongStage(p *audit.Pass) {
	final := p.Dockerfile.Final()
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		s := in.Script()
		if s == nil || stageReach(p, stage) == ships {
			return
		}
		for _, c := range s.Commands {
			if final.Root().Scratch() && installs(c) && len(final.Entrypoint.Words)+len(final.Cmd.Words) > 0 {
				for _, want := range runtimeFiles {
					checkInstalled(p, stage, in, c, want)
				}
			}
			checkUserMade(p, stage, in, c)
		}
	})
}

// installs reports whether a command is that of a package manager that installs.
func installs(c dockerfile.ShellCommand) bool {
	if !slices.Contains([]string{"apk", "apt-get", "apt", "dnf", "microdnf", "yum"}, c.Args[0].Value) {
		return false
	}
	return slices.ContainsFunc(c.Args, func(w dockerfile.ShellWord) bool { return w.Value == "add" || w.Value == "install" })
}

func checkInstalled(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, c dockerfile.ShellCommand, want installed) {
	k := slices.IndexFunc(c.Args, func(w dockerfile.ShellWord) bool { return slices.Contains(want.packages, w.Value) })
	if k < 0 || broughtToFinal(p, want.covers) {
		return
	}
	final := p.Dockerfile.Final()
	f := audit.Finding{
		Certainty: audit.Likely,
		Message:   fmt.Sprintf("%s installs %s, but the final stage is from scratch and copies none of it: the image has no %s", stageName(stage), c.Args[k].Value, want.what),
		Evidence:  []audit.Evidence{p.At(final.From, "the final stage begins with nothing, and no COPY brings %s", want.covers)},
		Remedy:    "Copy it into the final stage, or install it nowhere",
	}
	if first := firstCopy(final, stage); first != nil {
		f.Fix = &audit.Fix{
			Title:  "Copy the " + want.what + " into the final stage",
			Safety: audit.Safe,
			Edits:  []dockerfile.Edit{lineBefore(p, first, "COPY --from="+flagValue(first, "from")+" "+want.copies)},
		}
	}
	p.Report(p.BlameSpan(in, in.At(c.Args[k].Span)).Of(f))
}

// firstCopy is the first COPY of the final stage from the stage, nil if there is none.
func firstCopy(final, stage *dockerfile.Stage) *dockerfile.Instruction {
	for _, in := range final.Instructions {
		if in.Keyword == "COPY" && in.Copy != nil && in.Copy.From == stage {
			return in
		}
	}
	return nil
}

// broughtToFinal reports whether a COPY, ADD or RUN of the final image may bring a path.
func broughtToFinal(p *audit.Pass, name string) bool {
	return slices.ContainsFunc(steps(p.Dockerfile.Final()), func(in *dockerfile.Instruction) bool {
		if in.Copy == nil {
			return in.Run != nil
		}
		if in.Keyword == "ADD" || !in.Copy.Known || in.Copy.Covers(name) && path.Clean(in.Copy.Dest) != "/" {
			return true
		}
		return slices.ContainsFunc(in.Copy.Sources, func(s string) bool {
			s = path.Join("/", s)
			return strings.HasPrefix(name, strings.TrimSuffix(s, "/")+"/") || strings.HasPrefix(s, "/etc/ssl") && strings.HasPrefix(name, "/etc/ssl") || strings.Contains(s, "zoneinfo") && strings.Contains(name, "zoneinfo")
		})
	})
}

// checkUserMade finds a user of the final stage's USER that only a build stage makes.
func checkUserMade(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, c dockerfile.ShellCommand) {
	final := p.Dockerfile.Final()
	name, _, _ := strings.Cut(final.User.Value, ":")
	if !slices.Contains([]string{"adduser", "useradd"}, c.Args[0].Value) || name == "" || strings.Trim(name, "0123456789") == "" || !final.User.Known || final.User.By == nil {
		return
	}
	k := slices.IndexFunc(c.Args, func(w dockerfile.ShellWord) bool { return w.Literal && w.Value == name })
	if k < 1 || stage.User.Value == final.User.Value || passwdComes(final) {
		return
	}
	f := audit.Finding{
		Certainty: audit.Likely,
		Message:   fmt.Sprintf("%s makes the user %s, and the final stage runs as %s without that stage's /etc/passwd", stageName(stage), name, name),
		Evidence:  []audit.Evidence{p.At(final.User.By, "USER %s stands in the final stage, which makes no user", final.User.Value)},
		Words:     fmt.Sprintf("unable to find user %s: no matching entries in passwd file", name),
		Remedy:    "Make the user in the final stage, copy /etc/passwd into it, or use a number: USER 65532:65532",
	}
	p.Report(p.BlameSpan(in, in.At(c.Span)).Of(f))
}

// passwdComes reports whether the final stage may have a user database besides that of its base: it runs something, or
// copies one.
func passwdComes(final *dockerfile.Stage) bool {
	return slices.ContainsFunc(steps(final), func(in *dockerfile.Instruction) bool {
		return in.Run != nil || in.Copy != nil && (in.Keyword == "ADD" || !in.Copy.Known || slices.ContainsFunc(in.Copy.Sources, func(s string) bool {
			s = path.Join("/", s)
			return s == "/" || s == "/etc" || strings.Contains(s, "passwd")
		}))
	})
}
