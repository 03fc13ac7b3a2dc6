package rules

import (
	"fmt"
	"path"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var shellMissing = &audit.Rule{
	ID:       "shell-missing",
	Title:    "a shell-form command in an image without that shell",
	Severity: audit.Error,
	Sees:     audit.Sees{Any: audit.Dockerfile | audit.Image},
	Doc: audit.Doc{
		Checks: "A shell-form ENTRYPOINT, CMD or HEALTHCHECK is run by /bin/sh -c (or the SHELL of the stage). That shell is looked up in the image. Without an image: a stage that starts from scratch and into which nothing is copied that could be one.",
		Why:    "The container does not start: the run-time looks for the shell, not for the program. A health check that cannot run marks a healthy service as unhealthy.",
		Unless: "A shell is mounted at run time.",
		Messages: []string{
			`exec: "/bin/sh": stat /bin/sh: no such file or directory*`,
			`*exec: "/bin/sh": stat /bin/sh: no such file or directory*`,
		},
	},
	Check: checkShell,
}

func checkShell(p *audit.Pass) {
	if p.Image == nil || p.Image.FS == nil {
		checkShellText(p)
		return
	}
	if argv := p.Process.Argv; p.Process.Fault == layers.FaultNotFound && isShellCommand(argv) {
		cause := startCause(p)
		f := audit.Finding{
			Message: fmt.Sprintf("the image starts %q, but has no %s", strings.Join(argv, " "), argv[0]),
			Evidence: []audit.Evidence{
				audit.Seen(audit.LevelImage, "PID 1 is %q", argv),
				audit.Seen(audit.LevelImage, "searched %s", searchedText(shellSearched(p, argv[0]))),
			},
			Path:   argv[0],
			Words:  p.Process.Message,
			Remedy: "Use the exec form, which needs no shell",
			Fix:    execFormFix(p, cause.By),
		}
		if cause.By != nil && cause.By.JSON {
			f.Remedy = "Start the program itself instead of a shell, or use a base image that has one"
		} else if f.Fix == nil {
			f.Remedy = "Use the exec form and let the program do what the shell did, or use a base image that has a shell"
		}
		p.Report(cause.Of(f))
	}
	if h := p.Image.Config.Healthcheck; len(h) > 1 && h[0] == "CMD-SHELL" {
		checkHealthShell(p)
	}
}

func shellSearched(p *audit.Pass, shell string) []string {
	if len(p.Process.Searched) > 0 {
		return p.Process.Searched
	}
	return []string{shell}
}

func checkHealthShell(p *audit.Pass) {
	shell := "/bin/sh"
	if len(p.Image.Config.Shell) > 0 {
		shell = p.Image.Config.Shell[0]
	}
	if p.Image.FS.Shell(shell).Kind != "" {
		return
	}
	var by *dockerfile.Instruction
	if fits, _ := p.DockerfileFits(); fits {
		by = p.Dockerfile.Final().Healthcheck.By
	}
	var fix *audit.Fix
	if name := firstWord(by); name != "" { // what the check runs must be there
		if file, _ := findCommand(p, name); file != "" {
			fix = execForm(p, by, exits)
		}
	}
	p.Report(p.BlameSetting(by, "HEALTHCHECK").Of(audit.Finding{
		Message: fmt.Sprintf("the health check needs %s, which is not in the image", shell),
		Evidence: []audit.Evidence{
			audit.Seen(audit.LevelImage, "the health check is %q", p.Image.Config.Healthcheck),
			audit.Seen(audit.LevelImage, "searched %s: not found", shell),
		},
		Path:   shell,
		Words:  fmt.Sprintf("exec: %q: stat %s: no such file or directory", shell, shell),
		Remedy: "Write the health check in exec form with a program of the image, best a subcommand of the service itself",
		Fix:    fix,
	}))
}

// exits reports whether a command is the "exit 1" of "CHECK || exit 1": any failure means unhealthy without it.
func exits(c dockerfile.ShellCommand) bool {
	return len(c.Args) == 2 && c.Args[0].Value == "exit" && c.Args[1].Value == "1"
}

// isShellCommand reports whether argv is `SHELL ... -c TEXT`.
func isShellCommand(argv []string) bool {
	_, ok := audit.ShellText(argv)
	return ok
}

// checkShellText judges a stage that starts from scratch and into which nothing is copied that could hold a shell.
func checkShellText(p *audit.Pass) {
	final := p.Dockerfile.Final()
	if final == nil || !final.Root().Scratch() {
		return
	}
	shell := "/bin/sh"
	if len(final.Shell.Words) > 0 {
		shell = final.Shell.Words[0]
	}
	if mayHold(final, shell) {
		return
	}
	commands := []dockerfile.Command{final.Entrypoint, final.Healthcheck}
	if len(final.Entrypoint.Words) == 0 { // a shell-form ENTRYPOINT ignores CMD, an exec-form one takes it as arguments
		commands[0] = final.Cmd
	}
	for _, c := range commands {
		if c.By == nil || c.Exec || c.None || len(c.Words) == 0 {
			continue
		}
		p.Report(p.BlameLine(c.By).Of(audit.Finding{
			Message: fmt.Sprintf("%s in shell form needs %s, and the final stage starts from scratch", c.By.Keyword, shell),
			Evidence: []audit.Evidence{
				p.At(final.Root().From, "the stage starts from scratch, and nothing copied into it can be a shell"),
				p.At(c.By, "the shell form is run by %s -c", shell),
			},
			Path:   shell,
			Words:  fmt.Sprintf("exec: %q: stat %s: no such file or directory", shell, shell),
			Remedy: "Use the exec form, which needs no shell",
			Fix:    shellTextFix(p, c.By),
		}))
	}
}

// shellTextFix writes a command in exec form; a health check only where it runs the program that the image starts, which is
// there then.
func shellTextFix(p *audit.Pass, in *dockerfile.Instruction) *audit.Fix {
	if in.Keyword != "HEALTHCHECK" {
		return execFormFix(p, in)
	}
	start := p.Dockerfile.Final().Entrypoint
	program := firstWord(start.By)
	if start.Exec && len(start.Words) > 0 {
		program = start.Words[0]
	}
	if program == "" || firstWord(in) != program {
		return nil
	}
	return execForm(p, in, exits)
}

// firstWord is the program of the first command of a shell form, "" if there is none or the shell must expand it.
func firstWord(in *dockerfile.Instruction) string {
	if in == nil || in.Script() == nil || len(in.Script().Commands) == 0 {
		return ""
	}
	if args := in.Script().Commands[0].Args; len(args) > 0 && args[0].Literal {
		return args[0].Value
	}
	return ""
}

// mayHold reports whether a chain of stages could have a program at a path: something copied covers it, or a RUN that
// got its own shell from a mount may have made it.
func mayHold(s *dockerfile.Stage, program string) bool {
	for ; s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			if in.Run != nil || in.Copy != nil && (in.Copy.Covers(program) || within(program, path.Clean(in.Copy.Dest))) {
				return true
			}
		}
	}
	return false
}
