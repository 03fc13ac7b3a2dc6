package dockerfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// Bounds of a shell text: the shell parser recurses on it.
const (
	maxShell      = 1 << 17
	maxShellDepth = 1000
)

var errDeep = fmt.Errorf("nested deeper than %d", maxShellDepth)

// parsers are shell parsers to be used again: a new one is larger than most scripts.
var parsers = sync.Pool{New: func() any { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }}

// parseSyntax parses shell text into the shell parser's tree.
func parseSyntax(text string) (*syntax.File, error) {
	if len(text) > maxShell {
		return nil, fmt.Errorf("parsing shell text: larger than %d bytes", maxShell)
	}
	if opened(text) > maxShellDepth {
		return nil, fmt.Errorf("parsing shell text: %w", errDeep)
	}
	p := parsers.Get().(*syntax.Parser)
	defer parsers.Put(p)
	tree, err := p.Parse(strings.NewReader(text), "")
	if err != nil {
		var e syntax.ParseError
		if errors.As(err, &e) {
			return nil, fmt.Errorf("parsing shell text: %d:%d: %s", e.Pos.Line(), e.Pos.Col(), e.Text)
		}
		return nil, fmt.Errorf("parsing shell text: %w", err)
	}
	return tree, nil
}

// opened is the greatest number of open parentheses and braces, quoted ones counted too.
func opened(text string) int {
	depth, most := 0, 0
	for _, c := range []byte(text) {
		switch c {
		case '(', '{':
			depth++
			most = max(most, depth)
		case ')', '}':
			depth = max(depth-1, 0)
		}
	}
	return most
}

func parseShell(script string) (*Script, error) {
	tree, err := parseSyntax(script)
	if err != nil {
		return nil, err
	}
	return readShell(script, tree)
}

// readShell reads the commands of a shell text's tree.
func readShell(script string, tree *syntax.File) (*Script, error) {
	s := &scriptReader{text: script, table: newLineTable([]byte(script))}
	s.list(tree.Stmts, place{FormSimple, true})
	if s.err != nil {
		return nil, fmt.Errorf("parsing shell text: %w", s.err)
	}
	slices.SortStableFunc(s.commands, func(a, b ShellCommand) int {
		return cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset)
	})
	hidden := hidings(tree, script)
	for k := range s.commands {
		s.commands[k].Hidden = hidden[s.commands[k].Span.Start.Offset]
	}
	out := &Script{Commands: s.commands}
	out.Params, out.Sets, out.SetsAny = s.variables(tree)
	return out, nil
}

// scriptReader collects the simple commands of a tree.
type scriptReader struct {
	text     string
	table    *lineTable
	commands []ShellCommand
	depth    int
	child    int // how many subshells, pipelines, substitutions and background jobs are around: exec replaces only those
	err      error
}

// place is where a statement stands: the form of a simple command there, and whether anything comes after it.
type place struct {
	form Form
	tail bool
}

// inner is a place inside something else that stands at p.
func (p place) inner(tail bool) place {
	if p.form == FormPipe {
		return place{FormPipe, false}
	}
	return place{FormOther, p.tail && tail}
}

// list reads the statements of the whole script, or of what stands around them at a place that is not simple.
func (s *scriptReader) list(stmts []*syntax.Stmt, at place) {
	for k, stmt := range stmts {
		here := at
		if last := k == len(stmts)-1; !last {
			here.tail = false
		}
		if at.form == FormSimple && len(stmts) > 1 {
			here.form = FormSequence
			switch {
			case !here.tail:
				here.form = FormEarly
			case stmts[k-1].Background && stmts[k-1].Pos().Line() == stmt.Pos().Line(): // one list to bash, which stays then
				here.form = FormOther
			}
		}
		s.stmt(stmt, here)
	}
}

// stmt reads one statement.
func (s *scriptReader) stmt(stmt *syntax.Stmt, at place) {
	if s.depth++; s.depth > maxShellDepth {
		s.err = errDeep
	}
	defer func() { s.depth-- }()
	if s.err != nil || stmt == nil {
		return
	}
	for _, r := range stmt.Redirs {
		s.substitutions(r)
	}
	if stmt.Background || stmt.Coprocess || stmt.Negated {
		at = place{FormOther, false}
	}
	if stmt.Background || stmt.Coprocess {
		s.child++
		defer func() { s.child-- }()
	}
	switch c := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		s.call(c, at, len(stmt.Redirs) > 0)
	case *syntax.DeclClause:
		s.declaration(c, at, len(stmt.Redirs) > 0)
	case *syntax.BinaryCmd:
		s.binary(c, at)
	case *syntax.Block:
		s.list(c.Stmts, at.inner(true))
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			s.list(c.Cond, at.inner(false))
			s.list(c.Then, at.inner(true))
		}
	case nil:
	default:
		s.compound(stmt.Cmd, at)
	}
}

// binary reads a && b, a || b, a | b. Only a list that is the whole script keeps its last command at a place of its own:
// bash does not replace itself by the last of a list that follows another statement.
func (s *scriptReader) binary(c *syntax.BinaryCmd, at place) {
	if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
		if at.form != FormOther {
			at.form = FormPipe
		}
		at.tail = false
		s.child++
		s.stmt(c.X, at)
		s.stmt(c.Y, at)
		s.child--
		return
	}
	first := place{at.form, false}
	switch at.form {
	case FormSimple, FormAnd:
		first.form, at.form = FormEarly, FormAnd
	case FormSequence:
		first.form, at.form = FormEarly, FormOther
	}
	s.stmt(c.X, first)
	s.stmt(c.Y, at)
}

// compound reads all that is inside a subshell, loop, case or function.
func (s *scriptReader) compound(c syntax.Command, at place) {
	switch c := c.(type) {
	case *syntax.Subshell:
		s.child++
		defer func() { s.child-- }()
		s.list(c.Stmts, at.inner(true)) // with nothing behind it, busybox ash makes no child for it
		return
	case *syntax.CaseClause:
		s.substitutions(c.Word)
		for _, item := range c.Items {
			for _, pattern := range item.Patterns {
				s.substitutions(pattern)
			}
			s.list(item.Stmts, at.inner(item.Op == syntax.Break))
		}
		return
	}
	syntax.Walk(c, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			s.stmt(n, place{FormOther, false})
			return false
		case *syntax.CmdSubst, *syntax.ProcSubst:
			s.substitutions(n)
			return false
		}
		return s.err == nil
	})
}

// substitutions reads the commands of $(..), `..` and <(..) below a node.
func (s *scriptReader) substitutions(n syntax.Node) {
	s.child++
	defer func() { s.child-- }()
	syntax.Walk(n, func(n syntax.Node) bool {
		if stmt, ok := n.(*syntax.Stmt); ok {
			s.stmt(stmt, place{FormOther, false})
			return false
		}
		return s.err == nil
	})
}

// call reads a simple command. A leading exec is taken away with its options.
func (s *scriptReader) call(c *syntax.CallExpr, at place, redirected bool) {
	s.substitutions(c)
	if len(c.Args) == 0 {
		return
	}
	cmd := ShellCommand{Form: at.form, Tail: at.tail, Redirected: redirected, Span: s.span(c)}
	for _, a := range c.Assigns {
		as := Assign{Name: assigned(a)}
		if a.Value != nil {
			as.Value = s.word(a.Value)
		} else {
			as.Value.Literal = a.Array == nil
		}
		cmd.Assigns = append(cmd.Assigns, as)
	}
	for _, w := range c.Args {
		cmd.Args = append(cmd.Args, s.word(w))
	}
	if cmd.Args[0].Literal && cmd.Args[0].Value == "exec" {
		cmd.Args = withoutExec(cmd.Args)
		if s.child == 0 {
			cmd.Form = FormExec
		}
	}
	if len(cmd.Args) > 0 {
		s.commands = append(s.commands, cmd)
	}
}

// withoutExec drops exec and its options -c, -l and -a NAME.
func withoutExec(args []ShellWord) []ShellWord {
	for args = args[1:]; len(args) > 0 && args[0].Literal && strings.HasPrefix(args[0].Value, "-"); {
		option := args[0].Value
		args = args[1:]
		if option == "--" {
			break
		}
		if strings.HasSuffix(option, "a") && len(args) > 0 {
			args = args[1:]
		}
	}
	return args
}

// declaration reads export, readonly, local and declare, which are simple commands to a shell.
func (s *scriptReader) declaration(c *syntax.DeclClause, at place, redirected bool) {
	s.substitutions(c)
	name := ShellWord{Value: c.Variant.Value, Literal: true, Span: s.span(c.Variant)}
	cmd := ShellCommand{Form: at.form, Tail: at.tail, Redirected: redirected, Args: []ShellWord{name}, Span: s.span(c)}
	for _, a := range c.Args {
		w := ShellWord{Span: s.span(a)}
		w.Value = s.text[w.Span.Start.Offset:w.Span.End.Offset]
		switch {
		case a.Naked && a.Value != nil:
			w = s.word(a.Value)
		case a.Naked:
			w.Literal = true
		case a.Value != nil:
			if value := s.word(a.Value); value.Literal {
				w.Value, w.Literal = assigned(a)+"="+value.Value, true
			}
		}
		cmd.Args = append(cmd.Args, w)
	}
	s.commands = append(s.commands, cmd)
}

// assigned is the name that an assignment sets.
func assigned(a *syntax.Assign) string {
	if a.Name == nil {
		return ""
	}
	return a.Name.Value
}

// span is the place of a node in the text.
func (s *scriptReader) span(n syntax.Node) Span {
	start, end := int(n.Pos().Offset()), int(n.End().Offset())
	end = min(end, len(s.text))
	start = min(start, end)
	return s.table.span(start, end)
}

// word reads a word.
func (s *scriptReader) word(w *syntax.Word) ShellWord {
	out := ShellWord{Span: s.span(w)}
	out.Value, out.Literal = literal(w.Parts)
	if !out.Literal {
		out.Value = s.text[out.Span.Start.Offset:out.Span.End.Offset]
	}
	return out
}
