package dockerfile

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// argument is one word of a command line.
type argument struct {
	text  string // quotes removed, variables as written
	value string // variables expanded
	known bool   // value is what the command sees
	span  Span
}

// fields reads a word; one that is only an unquoted variable is split at blanks, as the shell does.
func (w *walker) fields(word *syntax.Word) []argument {
	a := w.argument(word)
	p, ok := word.Parts[0].(*syntax.ParamExp)
	if !ok || len(word.Parts) > 1 {
		return []argument{a}
	}
	value, isKnown := w.parameter(p)
	if !isKnown || strings.ContainsAny(value, "*?[") {
		return []argument{a}
	}
	fields := strings.Fields(value)
	if len(fields) == 1 {
		a.value, a.known = fields[0], true
		return []argument{a}
	}
	var args []argument
	for _, field := range fields {
		args = append(args, argument{text: field, value: field, known: true, span: a.span})
	}
	return args
}

// argument reads a word.
func (w *walker) argument(word *syntax.Word) argument {
	start, end := int(word.Pos().Offset()), int(word.End().Offset())
	end = min(end, len(w.text))
	a := argument{span: w.at(start, end)}
	a.text = w.unquote(word.Parts)
	a.value, a.known = w.expand(word.Parts, false)
	return a
}

// at is a range of the text in the file.
func (w *walker) at(start, end int) Span {
	return w.in.script.span(w.base+start, w.base+max(start, end))
}

// value is the value of an assignment.
func (w *walker) value(a *syntax.Assign) argument {
	switch {
	case a.Array != nil || a.Index != nil || a.Append:
		return argument{}
	case a.Value == nil:
		return argument{known: true}
	}
	value, isKnown := w.expand(a.Value.Parts, true)
	return argument{value: value, known: isKnown}
}

// unquote gives the text of a word without quotes, its variables and substitutions as written.
func (w *walker) unquote(parts []syntax.WordPart) string {
	var b strings.Builder
	for _, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			text, _ := unescape(p.Value, "")
			b.WriteString(text)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, part := range p.Parts {
				if lit, ok := part.(*syntax.Lit); ok {
					text, _ := unescape(lit.Value, "$`\"\\\n")
					b.WriteString(text)
				} else {
					b.WriteString(w.source(part))
				}
			}
		default:
			b.WriteString(w.source(part))
		}
	}
	return b.String()
}

// source is the text of a node as written.
func (w *walker) source(n syntax.Node) string {
	start, end := int(n.Pos().Offset()), min(int(n.End().Offset()), len(w.text))
	return w.text[min(start, end):end]
}

// expand gives what a word comes to; ok is false if that cannot be known. A variable outside quotes may be empty or hold
// blanks only in an assignment, where the shell does not split.
func (w *walker) expand(parts []syntax.WordPart, assignment bool) (value string, ok bool) {
	var b strings.Builder
	for _, part := range parts {
		var text string
		switch p := part.(type) {
		case *syntax.DblQuoted:
			text, ok = w.expandQuoted(p.Parts)
		case *syntax.ParamExp:
			text, ok = w.parameter(p)
			ok = ok && (assignment || text != "" && !strings.ContainsAny(text, " \t\n*?["))
		default:
			text, ok = literal([]syntax.WordPart{p})
		}
		if !ok || b.Len()+len(text) > maxValue {
			return "", false
		}
		b.WriteString(text)
	}
	return b.String(), true
}

// expandQuoted is expand inside double quotes.
func (w *walker) expandQuoted(parts []syntax.WordPart) (value string, ok bool) {
	var b strings.Builder
	for _, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			text, _ := unescape(p.Value, "$`\"\\\n")
			b.WriteString(text)
		case *syntax.ParamExp:
			text, ok := w.parameter(p)
			if !ok || b.Len()+len(text) > maxValue {
				return "", false
			}
			b.WriteString(text)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// parameter gives the value of $NAME and of the forms of ${NAME...} that BuildKit's word expansion knows too.
func (w *walker) parameter(p *syntax.ParamExp) (string, bool) {
	if p.Param == nil || p.Excl || p.Length || p.Width || p.Index != nil || p.Slice != nil || p.Names != 0 {
		return "", false
	}
	value, isKnown, err := w.scope.expand(w.source(p))
	return value, isKnown && err == nil
}
