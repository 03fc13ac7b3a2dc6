package rules

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var healthcheckCannotRun = &audit.Rule{
	ID:       "healthcheck-cannot-run",
	Title:    "the health check runs a program that is not in the image",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "The program of a HEALTHCHECK in exec form, or the one command of a shell-form HEALTHCHECK beside `exit`, is looked up in the image. An absent shell is shell-missing's.",
		Why:    "A healthy service is taken for an unhealthy one: it gets no traffic, or is restarted for ever. curl and wget are in few small images.",
		Unless: "The program is mounted at run time.",
		Messages: []string{
			`*OCI runtime exec failed: exec failed: *: executable file not found in $PATH*`,
			"*sh: *curl: not found*",
		},
	},
	Check: checkHealthcheck,
}

func checkHealthcheck(p *audit.Pass) {
	name, shell := healthCommand(p)
	if name == "" {
		return
	}
	file, searched := findCommand(p, name)
	if file != "" {
		return
	}
	var by *dockerfile.Instruction
	if fits, _ := p.DockerfileFits(); fits {
		by = p.Dockerfile.Final().Healthcheck.By
	}
	f := audit.Finding{
		Message: fmt.Sprintf("the health check runs %s, which is not in the image", name),
		Evidence: []audit.Evidence{
			audit.Seen(audit.LevelImage, "the health check is %q", p.Image.Config.Healthcheck),
			audit.Seen(audit.LevelImage, "searched %s", searchedText(searched)),
		},
		Path:   name,
		Words:  fmt.Sprintf("exec: %q: executable file not found in $PATH", name),
		Remedy: "Let the service check itself by a subcommand of its own, or install what the check runs",
	}
	switch {
	case shell == "busybox": // may have the command built in
		f.Certainty, f.Words = audit.Likely, name+": not found"
	case shell != "":
		f.Words = name + ": not found"
		if shell == "bash" {
			f.Words = name + ": command not found"
		}
	case slices.Contains([]byte(name), '/'):
		f.Words = fmt.Sprintf("exec: %q: stat %s: no such file or directory", name, name)
	}
	p.Report(p.BlameSetting(by, "HEALTHCHECK").Of(f))
}

// healthCommand is the program that the health check runs for sure, "" if there is none or it cannot be told, and the
// make of the shell that runs it, "" without one.
func healthCommand(p *audit.Pass) (name, shell string) {
	check := p.Image.Config.Healthcheck
	if len(check) < 2 {
		return "", ""
	}
	if check[0] == "CMD" {
		return check[1], ""
	}
	sh := "/bin/sh"
	if len(p.Image.Config.Shell) > 0 {
		sh = p.Image.Config.Shell[0]
	}
	script, err := dockerfile.ParseShell(check[1])
	if shell = p.Image.FS.Shell(sh).Kind; err != nil || check[0] != "CMD-SHELL" || shell == "" {
		return "", ""
	}
	for _, c := range script.Commands {
		switch {
		case len(c.Args) == 0 || !c.Args[0].Literal || len(c.Assigns) > 0:
			return "", ""
		case c.Args[0].Value == "exit":
		case name != "" || slices.Contains(shellBuiltins, c.Args[0].Value):
			return "", ""
		default:
			name = c.Args[0].Value
		}
	}
	return name, shell
}

// shellBuiltins are commands that a shell may run itself.
var shellBuiltins = append([]string{"[", "echo", "exec", "false", "kill", "printf", "read", "test", "true", "type", "command"}, shellOnly...)
