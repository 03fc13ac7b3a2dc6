package audit

import (
	"io"
	"io/fs"
	"path"
	"regexp"
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
	if text, ok := shellText(argv); ok {
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

// script follows a shell into the script argv[0], which has the arguments behind it.
func (l *lookup) script(s Start, shell string, argv []string) Start {
	file := argv[0]
	if !path.IsAbs(file) {
		file = path.Join(l.cwd, file)
	}
	s.Shell, s.Script = l.fs.Shell(shell), path.Clean(file)
	if _, err := fs.Stat(l.fs, strings.TrimPrefix(s.Script, "/")); err != nil {
		s.Missing = file
		return s
	}
	s.Text = l.read(s.Script)
	return l.through(s, argv[1:])
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

// shellText is the text of `sh -c TEXT`, flags such as -e before or with -c allowed.
func shellText(argv []string) (string, bool) {
	if !slices.Contains(shells, path.Base(argv[0])) {
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

// lookup finds programs in the image as a shell there would.
type lookup struct {
	fs   *layers.FS
	dirs []string
	cwd  string
}

func newLookup(img *layers.Image) *lookup {
	const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" // moby's and runc's
	p, ok := img.Config.Getenv("PATH")
	if !ok {
		p = defaultPath
	}
	return &lookup{fs: img.FS, dirs: strings.Split(p, ":"), cwd: path.Join("/", img.Config.WorkingDir)}
}

// path is where a command name leads, "" if it is nowhere.
func (l *lookup) path(name string) string {
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join(l.cwd, name)
		}
		return path.Clean(name)
	}
	for _, dir := range l.dirs {
		p := path.Join("/", dir, name)
		if fi, err := fs.Stat(l.fs, p[1:]); err == nil && fi.Mode().IsRegular() {
			return p
		}
	}
	return ""
}

// read returns a script's text, "" if it cannot be read or is too long to be one.
func (l *lookup) read(file string) string {
	const most = 256 << 10
	f, err := l.fs.Open(strings.TrimPrefix(file, "/"))
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil || len(b) > most {
		return ""
	}
	return string(b)
}

// interpreter is the program that a script's #! line names, looked up in PATH behind env; ok is false without such a line.
func (l *lookup) interpreter(text string) (interpreter string, ok bool) {
	line, ok := strings.CutPrefix(text, "#!")
	if !ok {
		return "", false
	}
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if len(words) == 0 {
		return "", false
	}
	if path.Base(words[0]) == "env" {
		words = slices.DeleteFunc(words[1:], func(w string) bool { return w == "-S" })
		if len(words) == 0 {
			return "", true
		}
		return l.path(words[0]), true
	}
	return words[0], true
}

// through finds the command of the shell text that starts a program of the image, the last one that is a file there,
// utilities aside. args are the script's own arguments, for `exec "$@"`.
func (l *lookup) through(s Start, args []string) Start {
	script, err := dockerfile.ParseShell(s.Text)
	if err != nil {
		return s
	}
	straight := !branches.MatchString(s.Text)
	for i := range script.Commands {
		c := &script.Commands[i]
		words := unwrap(known(c.Args, args))
		if len(words) == 0 {
			straight = false
			continue
		}
		switch name := words[0]; {
		case name == "trap":
			s.Traps = true
		case name == "cd" && len(words) == 2 && len(c.Args) == 2:
			if !path.IsAbs(words[1]) {
				words[1] = path.Join(l.cwd, words[1])
			}
			l.cwd = path.Clean(words[1])
		case slices.Contains(builtins, name):
			straight = straight && !slices.Contains([]string{".", "source", "eval"}, name) && !(name == "set" && slices.Contains(words, "--"))
		default:
			if p := l.program(name); p != "" {
				if s.Command == nil || service(c, name, s) {
					s.Path, s.Command = p, c
				}
				s.Missing, straight = "", false
				continue
			}
			if straight && i == len(script.Commands)-1 && l.certain(name, s.Text) {
				s.Missing = name
			}
			straight = false
		}
	}
	return s
}

// utilities are programs that a shell text uses beside the one it is there for.
var utilities = []string{"awk", "cat", "chmod", "chown", "cp", "curl", "cut", "date", "dirname", "envsubst", "find", "grep", "head", "hostname",
	"id", "install", "ln", "logger", "ls", "mkdir", "mkfifo", "mktemp", "mv", "nc", "rm", "sed", "sleep", "sort", "stat", "sync", "tail",
	"tee", "touch", "tr", "uname", "update-ca-certificates", "wget", "xargs"}

// service reports whether a command is rather what the text is there for than the one found so far: a later one, but no
// utility behind a program, and of a pipeline the first.
func service(c *dockerfile.ShellCommand, name string, found Start) bool {
	switch {
	case slices.Contains(utilities, path.Base(found.Path)):
		return true
	case slices.Contains(utilities, path.Base(name)):
		return false
	}
	return c.Form != dockerfile.FormPipe || found.Command.Form != dockerfile.FormPipe
}

// branches are signs that a command of a shell text may not be reached, or may be a function of its own.
var branches = regexp.MustCompile(`(?m)\|\||\[\[|\(\)|(^|[;&\s])(if|case|while|until|for|function|test|\[)(\s|$)`)

// certain reports whether the name of a missing command can only mean a file: one with a slash, or any name while the
// text leaves PATH alone.
func (l *lookup) certain(name, text string) bool {
	return strings.Contains(name, "/") || !strings.Contains(text, "PATH=")
}

// known are the words of a command up to the first that the shell must expand; "$@" stands for args.
func known(words []dockerfile.ShellWord, args []string) []string {
	var out []string
	for _, w := range words {
		switch {
		case w.Literal:
			out = append(out, w.Value)
		case w.Value == `"$@"` || w.Value == "$@":
			out = append(out, args...)
		default:
			return out
		}
	}
	return out
}

// builtins are commands that a shell runs itself, although an image may have a program of that name too.
var builtins = []string{".", ":", "[", "alias", "bg", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit", "export", "false",
	"fg", "getopts", "hash", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return", "set", "shift", "shopt", "source",
	"test", "times", "trap", "true", "type", "ulimit", "umask", "unalias", "unset", "wait"}

// program is the path of a command that is an existing program of the image, "" for a missing one.
func (l *lookup) program(name string) string {
	p := l.path(name)
	if p == "" {
		return ""
	}
	if fi, err := fs.Stat(l.fs, p[1:]); err != nil || !fi.Mode().IsRegular() {
		return ""
	}
	return p
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
