package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var stopSignalLost = &audit.Rule{
	ID:       "stop-signal-lost",
	Title:    "PID 1 is a shell that does not pass the stop signal on",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "When the image starts its program through a shell (`sh -c`, a shell-form ENTRYPOINT or CMD, a script), what that shell really is in this image (dash, bash, busybox) and the shape of the command decide whether the shell replaces itself by the program or stays PID 1. bash and busybox do so for the last plain command of `-c`; dash never does; none does for a script file without exec.",
		Why:    "A shell that stays PID 1 does not forward SIGTERM. The service never hears that it shall stop, and is killed after the grace period with its requests in flight.",
		Unless: "The container is started with an init of the engine (--init) that signals the whole process group.",
		Messages: []string{
			"*exited with code 137*",
			"*StopSignal SIGTERM failed to stop container * in 10 seconds, resorting to SIGKILL*",
		},
	},
	Check: checkStopSignalLost,
}

func checkStopSignalLost(p *audit.Pass) {
	s := p.Start
	if p.Process.Fault != "" || s.Shell.Kind == "" || s.Init != "" || s.Command == nil || s.Traps || !stopSignal(p).catchable() {
		return
	}
	certainty, lost := swallows(s)
	if !lost {
		return
	}
	shell := s.Shell.Kind
	if shell == "other" {
		shell = "the shell " + s.Shell.Path
	}
	f := audit.Finding{
		Certainty: certainty,
		Message:   fmt.Sprintf("%s stays PID 1 and does not pass %s on to %s", shell, stopSignal(p).text, s.Path),
		Evidence: []audit.Evidence{
			audit.Seen(audit.LevelImage, "PID 1 is %q", p.Process.Argv),
			audit.Seen(audit.LevelImage, "%s is %s", s.Shell.Path, shellText(s.Shell)),
			audit.Seen(audit.LevelImage, "%s", shapeText(s)),
		},
		Path:   s.Path,
		Words:  "no message: the container is killed after the grace period, exit code 137",
		Remedy: "Use the exec form, or put exec before the command",
	}
	last := slices.Contains([]dockerfile.Form{dockerfile.FormSimple, dockerfile.FormAnd, dockerfile.FormSequence}, s.Command.Form)
	if !last {
		f.Remedy = "Start the program by itself in exec form, or start the shell through an init that signals the whole process group (tini -g)"
	}
	if s.Script != "" {
		if last {
			f.Remedy = fmt.Sprintf("Put exec before the last command of %s", s.Script)
		}
		p.Report(p.BlamePath(s.Script).Of(f))
		return
	}
	cause := startCause(p)
	if f.Fix = execFormFix(p, cause.By); f.Fix == nil {
		f.Fix = execPrefixFix(p, cause.By)
	}
	p.Report(cause.Of(f))
}

// swallows reports whether the shell stays PID 1, by shell and shape, as measured with dash 0.5.12, bash 5.2.15 and
// busybox 1.35.
func swallows(s audit.Start) (audit.Certainty, bool) {
	form := s.Command.Form
	switch {
	case form == dockerfile.FormExec:
		return "", false
	case s.Shell.Kind == "other":
		return audit.Possible, true
	case s.Shell.Kind == "dash", s.Script != "", form == dockerfile.FormEarly, form == dockerfile.FormPipe:
		return audit.Proven, true
	case form == dockerfile.FormOther:
		// busybox replaces itself by whatever has nothing after it, also in a group, a condition or a case.
		switch {
		case s.Shell.Kind == "bash":
			return audit.Proven, true
		case !s.Command.Tail:
			return audit.Likely, true
		}
	case s.Shell.Kind == "bash" && s.Command.Redirected:
		return audit.Proven, true
	}
	if linesAfter(s) {
		return audit.Proven, true
	}
	return "", false
}

// linesAfter reports whether the shell reads on after the command: busybox does already for a line end, bash for a
// further line, be it empty.
func linesAfter(s audit.Start) bool {
	rest := s.Text[min(s.Command.Span.End.Offset, len(s.Text)):]
	if s.Command.Form == dockerfile.FormOther { // a line end inside the construct does not count
		rest = s.Text[len(strings.TrimRight(s.Text, " \t\n")):]
	}
	i := strings.IndexByte(rest, '\n')
	return i >= 0 && (s.Shell.Kind == "busybox" || i+1 < len(rest)) && !strings.Contains(rest, "<<")
}

func shellText(s layers.Shell) string {
	kind := s.Kind
	if kind == "other" {
		kind = "of unknown make"
	}
	if s.Real == s.Path {
		return kind
	}
	return fmt.Sprintf("%s, %s", s.Real, kind)
}

func shapeText(s audit.Start) string {
	shape := map[dockerfile.Form]string{
		dockerfile.FormSimple:   "the program is its only command, without exec",
		dockerfile.FormAnd:      "the program is the last of a list, without exec",
		dockerfile.FormSequence: "the program is its last command, without exec",
		dockerfile.FormEarly:    "the shell has more to do after the program",
		dockerfile.FormPipe:     "the program is part of a pipeline",
		dockerfile.FormOther:    "the program runs inside a construct of the shell",
	}[s.Command.Form]
	if s.Command.Redirected && s.Shell.Kind == "bash" {
		shape += ", and has a redirection"
	}
	if s.Script != "" {
		return fmt.Sprintf("in the script %s: %s", s.Script, shape)
	}
	return shape
}
