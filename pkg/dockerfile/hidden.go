package dockerfile

import (
	"path"
	"strings"
)

// Hidden is a command of a RUN that may build programs in a way that its text does not tell.
type Hidden struct {
	Program string // as written: "make", "./build.sh", "$BUILD"
	Span    Span   // of the command in the file
}

// Hidden lists the commands of a RUN behind which a go build may be hidden, in order: build tools, scripts, programs of the
// sources that are run, and words that only the shell knows. nil for other instructions and for a script that cannot be
// read, of which nothing is known.
func (i *Instruction) Hidden() []Hidden {
	switch {
	case i.Run == nil:
		return nil
	case i.JSON:
		return i.hiddenExec()
	}
	script := i.Script()
	if script == nil {
		return nil
	}
	var found []Hidden
	for _, c := range script.Commands {
		if name := hiding(c.Args, 0); name != "" {
			found = append(found, Hidden{Program: name, Span: i.At(c.Span)})
		}
	}
	return found
}

// hiddenExec is Hidden for the exec form.
func (i *Instruction) hiddenExec() []Hidden {
	var args []ShellWord
	for _, w := range i.Words {
		args = append(args, ShellWord{Value: w.Value, Literal: true})
	}
	name := hiding(args, 0)
	if name == "" {
		return nil
	}
	return []Hidden{{Program: name, Span: Span{Start: i.Words[0].Span.Start, End: i.Words[len(i.Words)-1].Span.End}}}
}

// buildTools run builds that are written down elsewhere.
var buildTools = map[string]bool{
	"bazel": true, "bazelisk": true, "cmake": true, "dagger": true, "earthly": true, "garble": true, "gmake": true, "go-task": true,
	"goreleaser": true, "gox": true, "just": true, "ko": true, "mage": true, "make": true, "meson": true, "ninja": true, "nix": true,
	"nix-build": true, "plz": true, "rake": true, "scons": true, "task": true, "tinygo": true, "xgo": true,
}

// starters start the program that their first operand names.
var starters = map[string]bool{
	"command": true, "env": true, "exec": true, "gosu": true, "ionice": true, "nice": true, "nohup": true, "parallel": true,
	"setpriv": true, "su-exec": true, "sudo": true, "time": true, "timeout": true, "xargs": true,
}

// maxHiding bounds the programs that start one another, sh -c inside sh -c.
const maxHiding = 8

// hiding names the program of a command that may hide a build, "" if none does.
func hiding(args []ShellWord, depth int) string {
	if len(args) == 0 || depth > maxHiding {
		return ""
	}
	first, name := args[0], path.Base(args[0].Value)
	switch {
	case !first.Literal:
		return first.Value
	case buildTools[name]:
		return first.Value
	case name == "go":
		return hiddenGo(args)
	case shells[name]:
		return hiddenShell(args, depth)
	case name == "." || name == "source" || name == "eval":
		return first.Value
	case name == "xargs" || name == "parallel" || name == "find":
		return amongOperands(args, depth)
	case starters[name]:
		return hiding(started(args[1:]), depth+1)
	case strings.HasSuffix(name, ".sh") || strings.Contains(first.Value, "/") && !isSystem(first.Value):
		return first.Value
	}
	return ""
}

// hiddenGo names what go runs that is none of its own builds.
func hiddenGo(args []ShellWord) string {
	for _, a := range args[1:] {
		switch {
		case !a.Literal:
			return "go " + a.Value
		case a.Value == "run" || a.Value == "generate" || a.Value == "tool":
			return "go " + a.Value
		case !strings.HasPrefix(a.Value, "-"):
			return ""
		}
	}
	return ""
}

// hiddenShell names the script that a shell is given; the text behind -c is read.
func hiddenShell(args []ShellWord, depth int) string {
	for k, a := range args[1:] {
		if a.Literal && strings.HasPrefix(a.Value, "-") && len(a.Value) > 1 {
			if strings.HasPrefix(a.Value, "--") || !strings.HasSuffix(a.Value, "c") || k+2 >= len(args) {
				continue
			}
			text := args[k+2]
			script, err := ParseShell(text.Value)
			if !text.Literal || err != nil {
				return args[0].Value + " -c"
			}
			for _, c := range script.Commands {
				if name := hiding(c.Args, depth+1); name != "" {
					return name
				}
			}
			return ""
		}
		return a.Value
	}
	return ""
}

// amongOperands looks for a go build or a hiding program behind xargs, parallel and find -exec: what they append to it is
// not known.
func amongOperands(args []ShellWord, depth int) string {
	for k := range args[1:] {
		rest := args[k+1:]
		if rest[0].Literal && path.Base(rest[0].Value) == "go" && len(rest) > 1 {
			return args[0].Value
		}
		if rest[0].Literal && (buildTools[path.Base(rest[0].Value)] || shells[path.Base(rest[0].Value)]) {
			return hiding(rest, depth+1)
		}
	}
	return ""
}

// started is the command that env and its like start: behind their options, the values of those, and assignments.
func started(args []ShellWord) []ShellWord {
	for k, a := range args {
		name := path.Base(a.Value)
		isOption := strings.HasPrefix(a.Value, "-") || strings.Contains(a.Value, "=")
		if a.Literal && !isOption && (name == "go" || buildTools[name] || shells[name] || starters[name] || strings.Contains(a.Value, "/") || strings.HasSuffix(name, ".sh")) {
			return args[k:]
		}
	}
	return nil
}

// isSystem reports whether a program comes from the distribution or the tool chain, not from the sources.
func isSystem(name string) bool {
	for _, dir := range []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/go/", "/lib/", "/usr/lib/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}
