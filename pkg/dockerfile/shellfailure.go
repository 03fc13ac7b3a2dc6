package dockerfile

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Hiding says why a command may fail without failing the script it stands in.
type Hiding string

// The ways to hide a failure. Source: POSIX.1-2017, XCU 2.8.1 and "set -e"; and shells run on such scripts.
const (
	Shown          Hiding = ""         // its failure fails the script, or is looked at: if, ||, $?
	HiddenSequence Hiding = "sequence" // something runs after it, whatever it said
	HiddenPipe     Hiding = "pipe"     // only the last command of a pipeline counts without pipefail
	HiddenLoop     Hiding = "loop"     // only the last round of a loop counts
)

// failures finds out what a shell does with the failures of the commands in a script.
type failures struct {
	errexit, pipefail bool
	exit              Hiding         // what hides it when errexit ends this shell, which may be a subshell
	hidden            map[int]Hiding // by the offset of the command
	depth             int
}

// hidings gives the commands of a script whose failure it hides, by offset. A script that sets traps hides nothing that
// can be seen here.
func hidings(tree *syntax.File, script string) map[int]Hiding {
	f := &failures{hidden: map[int]Hiding{}}
	if line, ok := strings.CutPrefix(script, "#!"); ok {
		line, _, _ = strings.Cut(line, "\n")
		f.set(strings.Fields(line))
	}
	if strings.Contains(script, "trap ") {
		return f.hidden
	}
	f.list(tree.Stmts, Shown, false)
	return f.hidden
}

// list follows statements; why hides what the list comes to, and ignored says that errexit is suspended.
func (f *failures) list(stmts []*syntax.Stmt, why Hiding, ignored bool) {
	for k, s := range stmts {
		here := why
		if k < len(stmts)-1 {
			here = HiddenSequence
			if asksStatus(stmts[k+1]) {
				here = Shown
			}
		}
		f.stmt(s, here, ignored)
	}
}

func (f *failures) stmt(s *syntax.Stmt, why Hiding, ignored bool) {
	if f.depth++; f.depth <= maxShellDepth && s != nil && !s.Negated && !s.Background && !s.Coprocess {
		f.command(s.Cmd, why, ignored)
	}
	f.depth--
}

func (f *failures) command(cmd syntax.Command, why Hiding, ignored bool) {
	switch c := cmd.(type) {
	case *syntax.CallExpr:
		f.call(c, f.at(why, ignored))
	case *syntax.BinaryCmd:
		f.binary(c, why, ignored)
	case *syntax.Block:
		f.list(c.Stmts, why, ignored)
	case *syntax.TimeClause:
		f.stmt(c.Stmt, why, ignored)
	case *syntax.Subshell:
		outer := *f
		f.exit = f.at(why, ignored)
		f.list(c.Stmts, f.exit, ignored)
		f.errexit, f.pipefail, f.exit = outer.errexit, outer.pipefail, outer.exit
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			f.list(c.Then, why, ignored)
		}
	case *syntax.WhileClause:
		f.list(c.Do, HiddenLoop, ignored)
	case *syntax.ForClause:
		f.list(c.Do, HiddenLoop, ignored)
	case *syntax.CaseClause:
		for _, item := range c.Items {
			f.list(item.Stmts, why, ignored)
		}
	}
}

// binary follows a && b, a || b, a | b. errexit does not see a failure left of && and ||.
func (f *failures) binary(c *syntax.BinaryCmd, why Hiding, ignored bool) {
	switch c.Op {
	case syntax.AndStmt:
		f.stmt(c.X, why, true)
	case syntax.OrStmt:
	default:
		if f.pipefail {
			f.stmt(c.X, why, ignored)
		} else {
			f.stmt(c.X, HiddenPipe, true)
		}
	}
	f.stmt(c.Y, why, ignored)
}

// at is what hides a command here: when errexit watches, only what hides the end of this shell.
func (f *failures) at(why Hiding, ignored bool) Hiding {
	if f.errexit && !ignored {
		return f.exit
	}
	return why
}

func (f *failures) call(c *syntax.CallExpr, why Hiding) {
	if len(c.Args) == 0 {
		return
	}
	if why != Shown {
		f.hidden[int(c.Pos().Offset())] = why
	}
	if c.Args[0].Lit() != "set" {
		return
	}
	var words []string
	for _, a := range c.Args[1:] {
		words = append(words, a.Lit())
	}
	f.set(words)
}

// set reads the options of set, or of a shell: -e, -eux, -o errexit, -euo pipefail, +e.
func (f *failures) set(words []string) {
	for k, w := range words {
		if len(w) < 2 || w[0] != '-' && w[0] != '+' {
			continue
		}
		on := w[0] == '-'
		if strings.Contains(w, "e") && !strings.HasPrefix(w, "--") {
			f.errexit = on
		}
		if strings.HasSuffix(w, "o") && k+1 < len(words) {
			switch words[k+1] {
			case "errexit":
				f.errexit = on
			case "pipefail":
				f.pipefail = on
			}
		}
	}
}

// asksStatus reports whether a statement looks at $?.
func asksStatus(s *syntax.Stmt) bool {
	found := false
	syntax.Walk(s, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil && p.Param.Value == "?" {
			found = true
		}
		return !found
	})
	return found
}
