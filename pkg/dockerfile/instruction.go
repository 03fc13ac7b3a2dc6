package dockerfile

import (
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// At maps a span of the instruction's shell text to the file: offsets in Run.Script for RUN, in the command's text for
// the shell form of CMD, ENTRYPOINT and HEALTHCHECK. It is zero for an instruction without shell text.
func (i *Instruction) At(s Span) Span {
	t := i.script
	if t == nil || s.Start.Offset < 0 || s.Start.Offset > s.End.Offset || s.End.Offset > len(t.s) {
		return Span{}
	}
	return t.span(s.Start.Offset, s.End.Offset)
}

// instruction builds the instruction of an AST node: the node's values, the spans of our own scan.
func (r *reader) instruction(n *parser.Node) *Instruction {
	src, escape := r.file.Source, r.file.Escape
	line := joinLines(src, r.table, escape, n.StartLine)
	in := r.command(n, line.text, escape)
	next := r.heredocs(in, n.Heredocs, line.next)
	end := line.end
	if next > line.next {
		_, end = r.lineText(next - 1)
	}
	in.Span = r.table.span(line.text.start(in.parts.keyword.start), end)
	in.blank, in.first, in.lastLine = line.blank, n.StartLine, n.EndLine
	in.script = in.shellText()
	in.parsed = in.parseLater()
	return in
}

// commandParts are the ranges of a command line.
type commandParts struct {
	keyword token
	flags   []token
	args    token
}

// command reads a command line t, without its heredocs, that BuildKit has made n of.
func (r *reader) command(n *parser.Node, t *text, escape byte) *Instruction {
	keyword, flags, args := splitCommand(t.s, escape)
	in := &Instruction{
		Keyword: strings.ToUpper(n.Value),
		JSON:    n.Attributes["json"],
		Text:    t.s[args.start:args.end],
		line:    t,
		parts:   commandParts{keyword, flags, args},
		joined:  t.slice(args.start, args.end),
	}
	for k, value := range n.Flags {
		f := Flag{}
		if k < len(flags) {
			f.Span = t.span(flags[k].start, flags[k].end)
		}
		f.Name, f.Value, _ = strings.Cut(strings.TrimPrefix(value, "--"), "=")
		in.Flags = append(in.Flags, f)
	}
	r.words(in, n, t, args, escape)
	return in
}

// lineText gives the bytes of a physical line without its line end.
func (r *reader) lineText(n int) (start, end int) {
	start, end = r.table.bounds(n)
	for end > start && (r.file.Source[end-1] == '\n' || r.file.Source[end-1] == '\r') {
		end--
	}
	return start, end
}

// words fills in.Words: what each instruction's parser in frontend/dockerfile/parser/line_parsers.go splits off.
func (r *reader) words(in *Instruction, n *parser.Node, t *text, args token, escape byte) {
	if args.start == args.end {
		return
	}
	var tokens []token
	values, base := nodeValues(n), args.start
	split := splitBlanks
	switch in.Keyword {
	case "CMD", "ENTRYPOINT", "RUN", "SHELL":
		split = whole
	case "MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR", "ONBUILD":
		split = whole
	case "HEALTHCHECK":
		if sep := byteSpace(in.Text); sep > 0 {
			tokens = append(tokens, token{args.start, args.start + sep})
			args = trimmed(t.s, args.start+sep, args.end)
		}
		split = whole
	case "ARG", "ENV", "LABEL":
		split = func(s string, a, b int) []token { return splitWords(s, a, b, escape) }
	}
	if in.JSON {
		split = splitJSON
	}
	tokens = append(tokens, split(t.s, args.start, args.end)...)
	if in.Keyword == "ENV" || in.Keyword == "LABEL" {
		tokens, values, in.oldPair = pairs(tokens, values, args)
	}
	if in.Keyword == "ONBUILD" {
		values = []string{in.Text}
	}
	in.Words, in.tokens = make([]Word, 0, len(values)), make([]token, 0, len(values))
	for k, value := range values {
		at := args
		if len(tokens) == len(values) {
			at = tokens[k]
		}
		in.Words = append(in.Words, Word{Value: r.unquoted(in, value, escape), Span: t.span(at.start, at.end)})
		in.tokens = append(in.tokens, token{at.start - base, at.end - base})
	}
}

func whole(_ string, a, b int) []token { return []token{{a, b}} }

// byteSpace finds the space behind HEALTHCHECK's first word, -1 if there is none. BuildKit looks at single bytes.
func byteSpace(s string) int {
	for i := range len(s) {
		if unicode.IsSpace(rune(s[i])) {
			return i
		}
	}
	return -1
}

// nodeValues gives the values of a node's arguments.
func nodeValues(n *parser.Node) []string {
	var values []string
	for a := n.Next; a != nil; a = a.Next {
		values = append(values, a.Value)
	}
	return values
}

// pairs makes KEY=VALUE words of the triples key, value, separator of ENV and LABEL. The old form "ENV key value" is
// one word whose value is written key=value as well.
func pairs(tokens []token, triples []string, args token) (_ []token, values []string, old bool) {
	for k := 0; k+2 < len(triples); k += 3 {
		values = append(values, triples[k]+"="+triples[k+1])
		if triples[k+2] == "" {
			tokens, old = []token{args}, true
		}
	}
	return tokens, values, old
}

// unquoted removes quotes and escapes from a word of an instruction whose words BuildKit expands, leaving variables.
func (r *reader) unquoted(in *Instruction, word string, escape byte) string {
	switch in.Keyword {
	case "RUN", "CMD", "ENTRYPOINT", "SHELL", "HEALTHCHECK", "ONBUILD", "MAINTAINER":
		return word
	}
	if !strings.ContainsAny(word, `'"`) && strings.IndexByte(word, escape) < 0 {
		return word
	}
	lex := r.lex
	if escape != r.file.Escape {
		lex = shell.NewLex(rune(escape))
	}
	lex.SkipUnsetEnv = true
	value, _, err := lex.ProcessWord(readable(word), environment{})
	lex.SkipUnsetEnv = false
	if err != nil {
		return word
	}
	return value
}
