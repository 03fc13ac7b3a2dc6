package dockerfile

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// run looks at a program with its arguments, through the programs that only start another one.
func (w *walker) run(args []argument, span Span, words []*syntax.Word) {
	for len(args) > 0 {
		switch name := path.Base(args[0].value); {
		case name == "go":
			w.runGo(args, span)
			return
		case name == "env":
			args = w.env(args[1:])
		case name == "exec" || name == "command" || name == "time" || name == "nice" || name == "nohup" || name == "ionice":
			args = args[1:]
			for len(args) > 0 && isFlag(args[0].text) {
				args = args[1:]
			}
		case shells[name]:
			w.shell(args[1:], words)
			return
		default:
			return
		}
	}
}

// runGo looks at a go command.
func (w *walker) runGo(args []argument, span Span) {
	if b, ok := w.goCommand(args, span); ok {
		w.found = append(w.found, b)
		return
	}
	if len(args) < 3 || args[1].value != "env" || args[2].value != "-w" {
		return
	}
	for _, a := range args[3:] {
		if name, value, ok := strings.Cut(a.value, "="); ok && a.known {
			w.goEnv[name] = value
		}
	}
}

// env reads the options and assignments of env(1) and gives the rest.
func (w *walker) env(args []argument) []argument {
	for len(args) > 0 {
		a := args[0]
		name, _, isAssign := strings.Cut(a.text, "=")
		switch {
		case a.text == "-u" && len(args) > 1:
			w.scope.names[args[1].value] = binding{}
			args = args[1:]
		case a.text == "-i" || a.text == "-":
			w.scope = newScope(w.scope.lex, '\\')
		case isFlag(a.text):
		case isAssign:
			_, value, _ := strings.Cut(a.value, "=")
			w.assign(name, argument{value: value, known: a.known}, true)
		default:
			return args
		}
		args = args[1:]
	}
	return nil
}

// shell follows sh -c 'script' when the script is written in one piece.
func (w *walker) shell(args []argument, words []*syntax.Word) {
	words = words[len(words)-min(len(words), len(args)):]
	for k, a := range args {
		if !isFlag(a.text) || k >= len(words) {
			return
		}
		if !strings.HasSuffix(a.text, "c") || strings.HasPrefix(a.text, "--") || k+1 >= len(words) {
			continue
		}
		script := words[k+1]
		if len(script.Parts) != 1 {
			return
		}
		start, end := int(script.Pos().Offset())+1, int(script.End().Offset())-1
		if start > end || end > len(w.text) || w.text[start:end] != args[k+1].text || !args[k+1].known {
			return
		}
		w.nested(start, end)
		return
	}
}

// heredoc follows the here-document of a shell that reads its script from there.
func (w *walker) heredoc(args []argument, redirs []*syntax.Redirect) {
	if !shells[path.Base(args[0].value)] {
		return
	}
	for _, a := range args[1:] {
		if !isFlag(a.text) || strings.HasSuffix(a.text, "c") {
			return
		}
	}
	for _, r := range redirs {
		if r.Hdoc == nil {
			continue
		}
		start, end := int(r.Hdoc.Pos().Offset()), int(r.Hdoc.End().Offset())
		if start < end && end <= len(w.text) {
			w.nested(start, end)
		}
	}
}
