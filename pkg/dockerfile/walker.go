package dockerfile

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// walker follows a RUN's script in order, as far as needed to know what a go build in it sees: variables, directory.
type walker struct {
	scope  *scope
	dir    directory
	made   map[string]bool   // directories that exist for sure
	goEnv  map[string]string // set by go env -w; the stage's own map
	in     *Instruction
	text   string // the script, or a script inside it
	base   int    // where text begins in the script
	depth  int
	inside int // scripts around text
	found  []GoBuild
}

// builds finds the go builds of a RUN. A script that cannot be read has none.
func (st *state) builds(in *Instruction) {
	w := &walker{
		scope: st.scope.inner('\\'), dir: directory{st.workdir, st.workdirSet}, made: st.made, goEnv: st.goEnv, in: in,
	}
	switch {
	case in.JSON:
		w.exec()
	case strings.Contains(in.Run.Script, "go") && in.parsed != nil:
		w.script(in.Run.Script, in.parsed.syntax(), 0)
	}
	in.Run.Builds = w.found
}

// posix reports whether the stage's SHELL reads the shell language.
func (st *state) posix() bool {
	words := st.stage.Shell.Words
	return len(words) == 0 || shells[path.Base(words[0])]
}

// exec reads the exec form.
func (w *walker) exec() {
	var args []argument
	for _, word := range w.in.Words {
		args = append(args, argument{text: word.Value, value: word.Value, known: true, span: word.Span})
	}
	if len(args) > 0 {
		w.run(args, Span{Start: args[0].span.Start, End: args[len(args)-1].span.End}, nil)
	}
}

// maxNested bounds the scripts inside one another: each is parsed anew.
const maxNested = 16

// nested reads a range of the text as a script of its own.
func (w *walker) nested(start, end int) {
	if w.inside++; w.inside <= maxNested {
		if tree, err := parseSyntax(w.text[start:end]); err == nil {
			w.apart(func() { w.script(w.text[start:end], tree, w.base+start) })
		}
	}
	w.inside--
}

// script reads a shell text that begins at base in the RUN's script.
func (w *walker) script(text string, tree *syntax.File, base int) {
	if tree == nil || w.depth > maxShellDepth {
		return
	}
	outerText, outerBase := w.text, w.base
	w.text, w.base = text, base
	w.stmts(tree.Stmts)
	w.text, w.base = outerText, outerBase
}

func (w *walker) stmts(list []*syntax.Stmt) {
	for _, s := range list {
		w.stmt(s)
	}
}

// stmt follows one statement.
func (w *walker) stmt(s *syntax.Stmt) {
	if w.depth++; w.depth <= maxShellDepth && s != nil {
		if s.Background || s.Coprocess {
			w.apart(func() { w.command(s) })
		} else {
			w.command(s)
		}
	}
	w.depth--
}

func (w *walker) command(s *syntax.Stmt) {
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		w.call(c, s)
	case *syntax.DeclClause:
		w.declare(c)
	case *syntax.BinaryCmd:
		w.binary(c)
	case *syntax.Block:
		w.stmts(c.Stmts)
	case *syntax.TimeClause:
		w.stmt(c.Stmt)
	case *syntax.Subshell:
		w.apart(func() { w.stmts(c.Stmts) })
	case *syntax.FuncDecl:
		w.apart(func() { w.stmt(c.Body) })
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			w.stmts(c.Cond)
			w.perhaps(func() { w.stmts(c.Then) })
		}
	case *syntax.WhileClause:
		w.perhaps(func() { w.stmts(c.Cond); w.stmts(c.Do) })
	case *syntax.ForClause:
		w.perhaps(func() {
			if loop, ok := c.Loop.(*syntax.WordIter); ok && loop.Name != nil {
				w.assign(loop.Name.Value, argument{}, false)
			}
			w.stmts(c.Do)
		})
	case *syntax.CaseClause:
		for _, item := range c.Items {
			w.perhaps(func() { w.stmts(item.Stmts) })
		}
	}
}

// apart follows what cannot change the shell: a subshell, a side of a pipe.
func (w *walker) apart(body func()) {
	scope, dir := w.scope, w.dir
	w.scope = scope.inner('\\')
	body()
	w.scope, w.dir = scope, dir
}

// perhaps follows what may or may not run: what it sets is unknown afterwards.
func (w *walker) perhaps(body func()) {
	scope, dir := w.scope, w.dir
	w.scope = scope.inner('\\')
	body()
	for name, b := range w.scope.names {
		if before := scope.lookup(name); before.kind != b.kind || before.value != b.value {
			scope.names[name] = binding{kind: unknown, local: b.local}
		}
	}
	w.scope = scope
	if w.dir != dir {
		w.dir = directory{}
	}
}

// binary follows a && b, a || b, a | b.
func (w *walker) binary(c *syntax.BinaryCmd) {
	switch c.Op {
	case syntax.Pipe, syntax.PipeAll:
		w.apart(func() { w.stmt(c.X) })
		w.apart(func() { w.stmt(c.Y) })
	case syntax.OrStmt:
		w.stmt(c.X)
		w.perhaps(func() { w.stmt(c.Y) })
	default:
		w.stmt(c.X)
		w.stmt(c.Y)
	}
}

// declare follows export and its relatives.
func (w *walker) declare(c *syntax.DeclClause) {
	exported := c.Variant.Value == "export"
	for _, a := range c.Args {
		if a.Naked && a.Value != nil {
			if lit := a.Value.Lit(); strings.HasPrefix(lit, "-") && strings.Contains(lit, "x") {
				exported = true
			}
			continue
		}
		name := assigned(a)
		switch {
		case name == "":
		case a.Naked:
			if b := w.scope.lookup(name); exported && b.local {
				b.local = false
				w.scope.names[name] = b
			}
		default:
			w.assign(name, w.value(a), exported)
		}
	}
}

// assign sets a variable; programs see it if they saw it before, or if it is exported.
func (w *walker) assign(name string, value argument, exported bool) {
	before := w.scope.lookup(name)
	w.scope.set(name, value.value, value.known)
	b := w.scope.names[name]
	b.local = !exported && (before.local || before.kind == undefined)
	w.scope.names[name] = b
}

// call follows a simple command.
func (w *walker) call(c *syntax.CallExpr, s *syntax.Stmt) {
	if len(c.Args) == 0 {
		for _, a := range c.Assigns {
			if name := assigned(a); name != "" {
				w.assign(name, w.value(a), false)
			}
		}
		return
	}
	var args []argument
	for _, word := range c.Args {
		args = append(args, w.fields(word)...)
	}
	if len(args) == 0 {
		return
	}
	outer := w.scope
	w.scope = outer.inner('\\')
	for _, a := range c.Assigns {
		if name := assigned(a); name != "" {
			w.assign(name, w.value(a), true)
		}
	}
	span := w.at(int(c.Pos().Offset()), int(c.End().Offset()))
	inner := w.scope
	if !w.builtin(args, outer) {
		w.scope = inner
		w.run(args, span, c.Args)
		w.heredoc(args, s.Redirs)
	}
	w.scope = outer
}

// builtin follows the commands that change the shell itself.
func (w *walker) builtin(args []argument, scope *scope) bool {
	switch args[0].value {
	case "cd", "pushd":
		w.dir = w.changed(args[1:])
	case "popd":
		w.dir = directory{}
	case "unset":
		for _, a := range args[1:] {
			if a.known && !isFlag(a.value) {
				scope.names[a.value] = binding{}
			}
		}
	case "mkdir":
		for _, a := range args[1:] {
			if to := w.dir.join(a); to.known && !isFlag(a.value) {
				w.made[to.name] = true
			}
		}
	default:
		return false
	}
	return true
}

// changed is the directory after cd.
func (w *walker) changed(args []argument) directory {
	for len(args) > 0 && isFlag(args[0].text) {
		args = args[1:]
	}
	if len(args) != 1 || args[0].text == "-" {
		return directory{}
	}
	return w.dir.join(args[0])
}
