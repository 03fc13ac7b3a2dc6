package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var entrypointMissing = &audit.Rule{
	ID:       "entrypoint-missing",
	Title:    "the image starts a program that it does not have",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "ENTRYPOINT and CMD are resolved as the run-time does: through PATH for a bare name, from the working directory for a relative one, through symlinks, and on to the interpreter of a #! line, whose carriage return of a Windows line end belongs to its name. What an init, `sh -c` or a script surely starts in the end is looked up too.",
		Why:    "The container does not start.",
		Unless: "The program is mounted into the container, or the image is a base that others give a command.",
		Messages: []string{
			"*exec: *: stat *: no such file or directory*",
			"*exec: *: executable file not found in $PATH*",
			"*: not found",
			"*no command specified*",
		},
	},
	Check: checkEntrypointMissing,
}

func checkEntrypointMissing(p *audit.Pass) {
	proc := p.Process
	f := audit.Finding{Words: proc.Message, Path: proc.At}
	switch proc.Fault {
	case layers.FaultNoCommand:
		f.Message = "the image has no ENTRYPOINT and no CMD: it starts nothing"
		f.Evidence = []audit.Evidence{audit.Seen(audit.LevelImage, "entrypoint and command of the config are empty")}
		f.Remedy = "Add an ENTRYPOINT in exec form"
		p.Report(p.BlameBase().Of(f))
	case layers.FaultNotFound:
		if len(proc.Searched) == 0 {
			proc.Searched = []string{proc.Argv[0]} // PATH is empty
		}
		if isShellCommand(proc.Argv) || barred(p) {
			return // shell-missing or entrypoint-not-executable says it
		}
		f.Message = fmt.Sprintf("the image starts %s, which it does not have", proc.Argv[0])
		f.Evidence = []audit.Evidence{
			audit.Seen(audit.LevelImage, "PID 1 is %q", proc.Argv),
			audit.Seen(audit.LevelImage, "searched %s", searchedText(proc.Searched)),
		}
		if link, ok := p.Image.FS.Entry(proc.Searched[0]); ok && link.Link != "" {
			f.Message = fmt.Sprintf("the image starts %s, a link that leads to nothing: %s is not in the image", link.Path, proc.At)
		}
		f.Remedy = entrypointRemedy(p, proc.Argv[0])
		p.Report(absentCause(p, append(proc.Searched, proc.At)).Of(f))
	case layers.FaultInterpreter:
		s := proc.Script[len(proc.Script)-1]
		f.Message = fmt.Sprintf("the script %s wants the interpreter %q, which is not in the image", s.File, s.Interpreter)
		f.Evidence = []audit.Evidence{audit.Seen(audit.LevelImage, "%s begins with #!%q: not in the image", s.File, s.Interpreter)}
		f.Remedy = interpreterRemedy(s.Interpreter)
		f.Path = s.File
		p.Report(p.BlamePath(s.File).Of(f))
	case "":
		checkShellCommand(p)
	}
}

// absentCause blames the line that removed one of the places where the program was, else the one that names it.
func absentCause(p *audit.Pass, places []string) audit.Cause {
	for _, place := range places {
		if _, ok := p.Image.FS.Deleted(place); ok {
			return p.BlameAbsence(place)
		}
	}
	return startCause(p)
}

// entrypointRemedy points at a program of the same name elsewhere in the image, or at its only service.
func entrypointRemedy(p *audit.Pass, name string) string {
	var services []string
	for _, prog := range p.Programs {
		switch {
		case prog.Toolchain:
		case path.Base(prog.Path) == path.Base(name):
			return fmt.Sprintf("The image has %s: start that", prog.Path)
		case prog.Go != nil:
			services = append(services, prog.Path)
		}
	}
	if len(services) == 1 {
		return fmt.Sprintf("The image has one Go program, %s: start that", services[0])
	}
	return "Copy the program to that path in the final stage, or correct ENTRYPOINT"
}

// checkShellCommand reports what PID 1, a shell or a script, starts in the end and the image does not have.
func checkShellCommand(p *audit.Pass) {
	s := p.Start
	if env, wanted := envInterpreter(p); wanted != "" {
		p.Report(p.BlamePath(env.File).Of(audit.Finding{
			Message:  fmt.Sprintf("the script %s wants the interpreter %q, which is not in the image", env.File, wanted),
			Evidence: []audit.Evidence{audit.Seen(audit.LevelImage, "%s begins with #!%s %q: %s is not in PATH", env.File, env.Interpreter, env.Arg, wanted)},
			Path:     env.File,
			Words:    fmt.Sprintf("env: can't execute '%s': No such file or directory", strings.TrimSuffix(wanted, "\r")),
			Remedy:   interpreterRemedy(wanted),
		}))
		return
	}
	if s.Missing == "" {
		return
	}
	through := "a shell"
	if s.Shell.Kind == "" {
		through = p.Process.Argv[0]
	}
	f := audit.Finding{
		Message: fmt.Sprintf("the image starts %s through %s, and does not have it", s.Missing, through),
		Evidence: []audit.Evidence{
			audit.Seen(audit.LevelImage, "PID 1 is %q", p.Process.Argv),
			audit.Seen(audit.LevelImage, "searched %s: not found", s.Missing),
		},
		Path:   s.Missing,
		Words:  missingWords(s),
		Remedy: entrypointRemedy(p, s.Missing),
	}
	if s.Script != "" && s.Text == "" { // it is the script itself
		f.Remedy = "Copy the script to that path in the final stage, or start the program without it"
	}
	if s.Script == "" || s.Text == "" {
		p.Report(startCause(p).Of(f))
		return
	}
	f.Message = fmt.Sprintf("the script %s starts %s, which is not in the image", s.Script, s.Missing)
	if slices.Contains(p.Image.Config.Cmd, s.Missing) { // its name came through "$@"
		p.Report(cmdCause(p).Of(f))
		return
	}
	p.Report(p.BlamePath(s.Script).Of(f))
}

// cmdCause blames the CMD of the final stage, or the base image that set it.
func cmdCause(p *audit.Pass) audit.Cause {
	if fits, _ := p.DockerfileFits(); !fits {
		return p.BlameSetting(nil, "CMD")
	}
	return p.BlameSetting(p.Dockerfile.Final().Cmd.By, "CMD")
}

// missingWords is what the shell says of a program or script that is not there. Measured with dash 0.5.12, bash 5.2.15
// and busybox 1.35.
func missingWords(s audit.Start) string {
	switch {
	case s.Text == "" && s.Shell.Kind == "dash": // the script itself
		return fmt.Sprintf("cannot open %s: No such file", s.Missing)
	case s.Text == "" && s.Shell.Kind == "busybox":
		return fmt.Sprintf("can't open '%s': No such file or directory", s.Missing)
	case s.Text == "":
		return s.Missing + ": No such file or directory"
	case s.Shell.Kind == "bash" && strings.Contains(s.Missing, "/"):
		return s.Missing + ": No such file or directory"
	case s.Shell.Kind == "bash" && !strings.Contains(s.Text, "exec "+s.Missing):
		return s.Missing + ": command not found"
	}
	return s.Missing + ": not found"
}

// envInterpreter returns the last #! line of PID 1 if it asks env for a program that is nowhere in PATH.
func envInterpreter(p *audit.Pass) (line layers.Shebang, wanted string) {
	if len(p.Process.Script) == 0 {
		return line, ""
	}
	line = p.Process.Script[len(p.Process.Script)-1]
	if path.Base(line.Interpreter) != "env" || line.Arg == "" || strings.HasPrefix(line.Arg, "-") || strings.Contains(line.Arg, "=") {
		return line, ""
	}
	for _, dir := range strings.Split(p.Image.Config.SearchPath(), ":") {
		if p.Image.FS.Access(path.Join("/", dir, line.Arg), p.Identity, layers.Exec).OK {
			return line, ""
		}
	}
	return line, line.Arg
}

func interpreterRemedy(interpreter string) string {
	if strings.HasSuffix(interpreter, "\r") {
		return "Save the script with Unix line ends: the carriage return belongs to the interpreter's name"
	}
	return "Use a base image with that interpreter, or start the program itself in exec form"
}
