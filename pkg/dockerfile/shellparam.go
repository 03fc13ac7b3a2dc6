package dockerfile

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// ShellParam is a variable that a script expands.
type ShellParam struct {
	Name string
	// Guarded is true when the script says itself what to do without a value: ${X:-y}, ${X+y}, ${X:?message}.
	Guarded bool
	Span    Span // offsets within the script text
}

// variables fills in the variables that a script expands, and those that it may give a value itself.
func (s *scriptReader) variables(tree *syntax.File) (used []ShellParam, set []string, open bool) {
	syntax.Walk(tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ParamExp:
			if n.Param != nil && isName(n.Param.Value) {
				used = append(used, ShellParam{Name: n.Param.Value, Guarded: guarded(n), Span: s.span(n)})
			}
		case *syntax.CallExpr:
			if len(n.Args) == 0 {
				for _, a := range n.Assigns {
					set = append(set, assigned(a))
				}
				break
			}
			switch n.Args[0].Lit() {
			case "eval", ".", "source":
				open = true
			case "read", "getopts", "printf", "mapfile":
				for _, a := range n.Args[1:] {
					set = append(set, a.Lit())
				}
			}
		case *syntax.DeclClause:
			for _, a := range n.Args {
				if !a.Naked {
					set = append(set, assigned(a))
				}
			}
		case *syntax.WordIter:
			if n.Name != nil {
				set = append(set, n.Name.Value)
			}
		}
		return true
	})
	slices.Sort(set)
	return used, slices.Compact(set), open
}

// guarded reports whether an expansion has a word for a variable without a value.
func guarded(p *syntax.ParamExp) bool {
	if p.Exp == nil {
		return false
	}
	switch p.Exp.Op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull,
		syntax.ErrorUnset, syntax.ErrorUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		return true
	}
	return false
}

// isName reports whether a parameter is a variable, not one of the shell's own such as $1 and $?.
func isName(s string) bool {
	return s != "" && (s[0] == '_' || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
}
