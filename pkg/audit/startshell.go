package audit

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

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
var branches = lazyregexp.New(`(?m)\|\||\[\[|\(\)|(^|[;&\s])(if|case|while|until|for|function|test|\[)(\s|$)`)

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
