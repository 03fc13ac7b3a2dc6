package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// Start says how PID 1 leads to the program: directly, through an init, or through a shell that may or may not
// replace itself by it.
type Start struct {
	// Path is the program that is started in the end, rooted, symlinks not followed; "" if it cannot be told.
	Path string
	// Init is the program that is PID 1 in front of all others and passes signals on (tini), "" if there is none.
	Init string
	// Shell is the shell that runs Text, as PID 1 unless there is an Init; zero if there is none.
	Shell layers.Shell
	// Script is the path of the script file the shell runs, "" for `sh -c`.
	Script string
	Text   string
	// Command is the shell's command that starts Path, nil without a shell or when the text is not understood.
	Command *dockerfile.ShellCommand
	// Missing is the program that Text or the init surely starts and the image does not have, as written; "" if there
	// is none.
	Missing string
	// Traps is true when the text sets a trap: then signals are the script's own business.
	Traps bool
}

// inits are programs that are made to be PID 1, stay it and pass signals on to the program they run.
var inits = []string{"tini", "tini-static", "dumb-init", "catatonit", "docker-init"}

// steppers replace themselves by the program they run, as another user.
var steppers = []string{"su-exec", "gosu", "setpriv"}

// valued are flags of inits and steppers whose value is a word of its own.
var valued = []string{"-p", "-e", "-r", "--rewrite", "--reuid", "--regid", "--groups"}

// shells are programs whose -c runs a text.
var shells = []string{"sh", "ash", "bash", "dash"}

// StartOf follows the process's arguments to the program it runs.
func StartOf(img *layers.Image, p layers.Process) Start {
	env := newLookup(img)
	argv := unwrap(p.Argv)
	if len(argv) == 0 {
		return Start{}
	}
	s := Start{}
	if len(argv) < len(p.Argv) && slices.Contains(inits, path.Base(p.Argv[0])) {
		s.Init = env.path(p.Argv[0])
	}
	if text, ok := ShellText(argv); ok {
		s.Shell, s.Text = img.FS.Shell(env.path(argv[0])), text
		return env.through(s, nil)
	}
	if slices.Contains(shells, path.Base(argv[0])) && len(argv) > 1 && !strings.HasPrefix(argv[1], "-") {
		return env.script(s, env.path(argv[0]), argv[1:])
	}
	file := env.path(argv[0])
	if len(argv) < len(p.Argv) && env.program(argv[0]) == "" {
		s.Missing = argv[0]
		return s
	}
	interpreter, ok := env.interpreter(env.read(file))
	switch {
	case ok && slices.Contains(shells, path.Base(interpreter)):
		return env.script(s, interpreter, append([]string{file}, argv[1:]...))
	case ok && s.Init == "":
		s.Path = p.Program
	default:
		s.Path = file
	}
	return s
}

// unwrap takes inits and steppers off the front of a command.
func unwrap(argv []string) []string {
	for len(argv) > 1 {
		base := path.Base(argv[0])
		stepper := slices.Contains(steppers, base)
		if !stepper && !slices.Contains(inits, base) {
			return argv
		}
		argv = skipFlags(argv[1:])
		if stepper && base != "setpriv" && len(argv) > 0 {
			argv = argv[1:] // the user
		}
	}
	return argv
}

// ShellText returns the text of `sh -c TEXT`, flags such as -e before or with -c allowed; false for any other command,
// `sh FILE -c x` too. Source: POSIX.1-2017, sh.
func ShellText(argv []string) (string, bool) {
	if len(argv) == 0 || !slices.Contains(shells, path.Base(argv[0])) {
		return "", false
	}
	for i, a := range argv[1:] {
		switch {
		case strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") && i+2 < len(argv):
			return argv[i+2], true
		case !strings.HasPrefix(a, "-") && !(strings.HasPrefix(argv[i], "-") && strings.HasSuffix(argv[i], "o")):
			return "", false
		}
	}
	return "", false
}

func skipFlags(argv []string) []string {
	for i := 0; i < len(argv); i++ {
		switch a := argv[i]; {
		case a == "--":
			return argv[i+1:]
		case slices.Contains(valued, a):
			i++
		case !strings.HasPrefix(a, "-"):
			return argv[i:]
		}
	}
	return nil
}

// prepareStart follows PID 1 to the program and puts that program first. Programs that were marked before (named by
// the user) stay marked.
func (s *Subject) prepareStart() {
	if s.Image == nil || s.Image.FS == nil {
		return
	}
	s.Start = StartOf(s.Image, s.Process)
	if s.Start.Path == "" {
		return
	}
	for i, p := range s.Programs {
		if samePath(s.Image.FS, p.Path, s.Start.Path) {
			p.Entry = true
			s.Programs = slices.Insert(slices.Delete(s.Programs, i, i+1), 0, p)
			return
		}
	}
}

// samePath reports whether two paths lead to the same file.
func samePath(f *layers.FS, a, b string) bool {
	if a == b {
		return true
	}
	ea, err1 := f.Resolve(a)
	eb, err2 := f.Resolve(b)
	return err1 == nil && err2 == nil && ea.Path == eb.Path
}
