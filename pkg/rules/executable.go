package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var entrypointNotExecutable = &audit.Rule{
	ID:       "entrypoint-not-executable",
	Title:    "the program that the image starts cannot be executed",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "The file that ENTRYPOINT or CMD leads to is a regular file with an execute bit for the run-time user, every directory on the way lets that user through, it has a format the kernel knows, and the user itself can be resolved.",
		Why:    "The container does not start. /root has mode 0700: a program below it is out of reach for any other user.",
		Unless: "The file's mode is changed by a mount at run time.",
		Messages: []string{
			"*exec: *: permission denied*",
			"*exec *: permission denied*",
			"*exec *: exec format error*",
			"*unable to find user *: no matching entries in passwd file*",
			"*exec: *: is a directory*",
		},
	},
	Check: checkEntrypointExecutable,
}

func checkEntrypointExecutable(p *audit.Pass) {
	proc := p.Process
	fault := proc.Fault
	if barred(p) {
		fault = layers.FaultNotExecutable
	}
	if !slices.Contains([]string{layers.FaultNotExecutable, layers.FaultNotReachable, layers.FaultDirectory, layers.FaultBadFormat, layers.FaultUser}, fault) {
		return
	}
	f := audit.Finding{Words: proc.Message, Path: proc.At, Evidence: []audit.Evidence{audit.Seen(audit.LevelImage, "PID 1 is %q", proc.Argv)}}
	cause := p.BlamePath(proc.At)
	switch fault {
	case layers.FaultNotExecutable:
		f.Message = fmt.Sprintf("%s has no execute permission for uid %d", proc.At, p.Identity.UID)
		f.Remedy = "Copy it with --chmod=0755"
	case layers.FaultNotReachable:
		f.Message = fmt.Sprintf("uid %d may not pass %s on the way to %s", p.Identity.UID, proc.At, onTheWay(proc))
		if cause.Blame.Kind == audit.BlameBase { // the directory is as it should be; the program should not be in it
			cause = p.BlamePath(onTheWay(proc))
		}
		f.Remedy = "Put the program outside that directory, /app for example, or open the directory with mode 0755"
	case layers.FaultDirectory:
		f.Message = fmt.Sprintf("the image starts %s, which is a directory", proc.At)
		f.Remedy = "Name the program inside it; `go build -o DIR` writes into an existing directory"
	case layers.FaultBadFormat:
		f.Message = fmt.Sprintf("%s is neither an executable nor a script with a #! line", proc.At)
		f.Remedy = "Start it with its interpreter, or put a #! line first"
	case layers.FaultUser:
		f.Message = fmt.Sprintf("the user %q cannot be resolved in the image", p.Identity.User)
		f.Remedy = "Write the user as numbers, USER 65532:65532, or copy /etc/passwd"
		cause = userCause(p)
	}
	if e, ok := p.Image.FS.Entry(proc.At); ok && proc.At != "" {
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s is %s, owned by %d:%d", proc.At, e.Mode, e.UID, e.GID))
	}
	f.Fix = startableFix(p, fault, cause)
	p.Report(cause.Of(f))
}

// startableFix gives the program or script its mode, a directory above it that a line of the Dockerfile made the right to
// be passed, or the image the users of the stage that makes the one it names.
func startableFix(p *audit.Pass, fault string, cause audit.Cause) *audit.Fix {
	switch at := p.Process.At; fault {
	case layers.FaultNotExecutable:
		return modeFix(p, cause, at, "0755")
	case layers.FaultNotReachable:
		if cause.Blame.Kind != audit.BlameInstruction || !plainPath(at) {
			return nil
		}
		if file := onTheWay(p.Process); cause.By.Copy != nil && cause.By.Copy.Makes(file) {
			return modeFix(p, cause, file, "0755")
		}
		return fixOf("Open "+at+" with mode 0755", audit.Safe, runInFinal(p, cause.By, "chmod 0755 "+at, "chmod"))
	case layers.FaultUser:
		name, _, _ := strings.Cut(p.Image.Config.User, ":")
		return userFiles(p, name)
	}
	return nil
}

// userFiles copies the users of the stage that makes one: the image has no users at all then, and does not start.
func userFiles(p *audit.Pass, name string) *audit.Fix {
	fix := bringAccounts(p, name)
	if fix != nil {
		fix.Safety = audit.Safe
	}
	return fix
}

// onTheWay is the file that the run-time was looking for: the interpreter of the last script, or the program.
func onTheWay(proc layers.Process) string {
	if n := len(proc.Script); n > 0 {
		return proc.Script[n-1].Interpreter
	}
	return proc.Searched[len(proc.Searched)-1]
}

// userCause blames the USER of the final stage, or the base image that set it.
func userCause(p *audit.Pass) audit.Cause {
	if fits, _ := p.DockerfileFits(); !fits {
		return p.BlameSetting(nil, "USER")
	}
	return p.BlameSetting(p.Dockerfile.Final().User.By, "USER")
}

// barred reports whether a search in PATH found the program and could not use it.
func barred(p *audit.Pass) bool {
	proc := p.Process
	if proc.Fault != layers.FaultNotFound || proc.At == "" || strings.Contains(proc.Argv[0], "/") {
		return false
	}
	e, ok := p.Image.FS.Entry(proc.At)
	return ok && e.Mode.IsRegular()
}
