package rules

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// withoutSecretEnv are the Dockerfile frontends whose RUN --mount=type=secret has no env.
// Source: Docker's docs, Dockerfile reference: env came with Dockerfile 1.10.
var withoutSecretEnv = lazyregexp.New(`^docker/dockerfile:(0|1\.\d)($|[.-])`)

// argMountFix passes the value of an ARG to the one RUN that says its name by a secret mount instead. The build is called
// another way then, so it is unsafe. nil where another line says the name, or the ARG does not stand alone.
func argMountFix(p *audit.Pass, stage *dockerfile.Stage, arg *dockerfile.Instruction, name string) *audit.Fix {
	if stage == nil || len(arg.Words) != 1 || withoutSecretEnv.MatchString(p.Dockerfile.Syntax) {
		return nil
	}
	said := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
	var run *dockerfile.Instruction
	for _, s := range p.Dockerfile.Stages {
		for _, in := range s.Instructions {
			text := p.Dockerfile.Text(in.Span)
			switch {
			case in == arg || !startsFrom(s, stage) || s == stage && in.Index < arg.Index || !said.MatchString(text):
			case run != nil || s != stage || in.Run == nil || in.JSON || !expands(in, name):
				return nil
			default:
				run = in
			}
		}
	}
	gone := removeLine(p, arg)
	if run == nil || gone == nil {
		return nil
	}
	mount := mountFlag(p, run, "type=secret,id="+name+",env="+name)
	return &audit.Fix{
		Title:  "Mount " + name + " as a secret: the build then takes --secret id=" + name + " in place of --build-arg " + name,
		Safety: audit.Unsafe, Edits: append(gone.Edits, mount),
	}
}

// expands reports whether the script of a RUN takes the value of a variable from its environment, and only there.
func expands(in *dockerfile.Instruction, name string) bool {
	s := in.Script()
	return s != nil && !s.SetsAny && !slices.Contains(s.Sets, name) &&
		slices.ContainsFunc(s.Params, func(v dockerfile.ShellParam) bool { return v.Name == name })
}

// mountFlag is the edit that gives a RUN a mount more.
func mountFlag(p *audit.Pass, run *dockerfile.Instruction, value string) dockerfile.Edit {
	text := p.Dockerfile.Text(run.Span)
	return dockerfile.Edit{Span: partOf(text, run.Span, len(run.Keyword), len(run.Keyword)), New: " --mount=" + value}
}

// copyMountFix mounts a secret file into the RUN that downloads modules, in place of the COPY that brings it into the home
// of root. nil where another line may use the file: those below may only build what is downloaded, or delete it.
func copyMountFix(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) *audit.Fix {
	if in.Keyword != "COPY" || !in.Copy.Known || len(in.Words) != 2 || len(in.Copy.Sources) != 1 || len(in.Heredocs) > 0 || stageReach(p, stage) == ships || !runsAsRootAt(stage, in) {
		return nil
	}
	source := in.Copy.Sources[0]
	to, base := in.Copy.Lands(source), path.Base(source)
	if to != "/root/"+base || base != ".netrc" && base != ".git-credentials" {
		return nil
	}
	var download *dockerfile.Instruction
	for _, s := range p.Dockerfile.Stages {
		for _, o := range s.Instructions {
			switch {
			case o.Copy != nil && o.Copy.From != nil && startsFrom(o.Copy.From, stage):
				if _, taken := takes(o.Copy, to); taken {
					return nil
				}
			case !startsFrom(s, stage) || s == stage && o.Index <= in.Index || o.Run == nil:
			case download == nil && s == stage && !o.JSON && !strings.Contains(o.Run.Script, base) && aloneDownloads(o):
				download = o
			case download == nil || !leavesAlone(o):
				return nil
			}
		}
	}
	gone := removeLine(p, in)
	if download == nil || gone == nil {
		return nil
	}
	id := strings.TrimPrefix(base, ".")
	return &audit.Fix{
		Title:  "Mount " + source + " as a secret: the build then takes --secret id=" + id + ",src=" + source,
		Safety: audit.Unsafe, Edits: append(gone.Edits, mountFlag(p, download, "type=secret,id="+id+",target="+to)),
	}
}

// aloneDownloads reports whether a RUN downloads modules, and does nothing else that might need a secret.
func aloneDownloads(in *dockerfile.Instruction) bool {
	return downloads(in) && leavesAlone(in)
}

// leavesAlone reports whether all commands of a RUN are ones that need no credentials but to download modules.
func leavesAlone(in *dockerfile.Instruction) bool {
	s := in.Script()
	return s != nil && !strings.Contains(in.Run.Script, "/root") && !slices.ContainsFunc(s.Commands, func(c dockerfile.ShellCommand) bool {
		return len(c.Args) > 0 && c.Args[0].Value != "go" && !slices.Contains(plainCommands, c.Args[0].Value)
	})
}
