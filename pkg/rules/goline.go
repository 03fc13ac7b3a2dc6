package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// goLine is the go build command that made a program: what a fix changes there. Its functions give no edits where the
// place is not plain: the caller then has advice only.
type goLine struct {
	*audit.Pass
	in *dockerfile.Instruction // its RUN
	b  *dockerfile.GoBuild
}

// goLineOf is the build command of a program, nil when it is not known, or the Dockerfile is another image's.
func goLineOf(p *audit.Pass, prog *audit.Program) *goLine {
	cause, b := buildLine(p, prog)
	if fits, _ := p.DockerfileFits(); b == nil || !fits || cause.By.JSON {
		return nil
	}
	return &goLine{p, cause.By, b}
}

// has reports whether the command sees a variable with a value.
func (g *goLine) has(name, value string) bool { return g.b.Env[name] == value }

// set makes the command see a variable with a value that needs no quotes: where the command has it, or an export before
// it, or an ENV that no other build reads; else in front of the command, where it wins.
func (g *goLine) set(name, value string) []dockerfile.Edit {
	if g.has(name, value) || slices.Contains(g.b.Unknown, name) {
		return nil
	}
	if assigned := g.assignments(name); len(assigned) == 1 && (g.covers(assigned[0].span) || assigned[0].exported && len(g.in.Run.Builds) == 1 && !readsToo.MatchString(g.in.Run.Script)) {
		return []dockerfile.Edit{{Span: assigned[0].span, New: value}}
	} else if len(assigned) > 0 && slices.ContainsFunc(assigned, func(a assignment) bool { return g.covers(a.span) }) {
		return nil
	}
	if v, ok := g.ownENV(name); ok {
		return []dockerfile.Edit{{Span: v.ValueSpan, New: value}}
	}
	text := g.Dockerfile.Text(g.b.Span)
	if strings.Contains(text, "env -") || wrapped.MatchString(string(g.Dockerfile.Source[:g.b.Span.Start.Offset])) {
		return nil
	}
	return []dockerfile.Edit{{Span: dockerfile.Span{Start: g.b.Span.Start, End: g.b.Span.Start}, New: name + "=" + value + " "}}
}

// wrapped is a word before a command that takes no assignment behind it.
var wrapped = lazyregexp.New(`(^|[\s;&|(])time( -p)?\s+$`)

// assignment is NAME=VALUE in a script: the place of the value, with its quotes, and whether export stands before it.
type assignment struct {
	span     dockerfile.Span
	exported bool
}

// assignments are those of a name to a plain value in the RUN; those of other values count too, with a zero span.
func (g *goLine) assignments(name string) []assignment {
	at := regexp.MustCompile(`(?:^|[\s;&("'])(export\s+)?` + name + `=("[\w.-]*"|'[\w.-]*'|[\w.-]*)(.?)`)
	var all []assignment
	for _, m := range at.FindAllStringSubmatchIndex(g.in.Run.Script, -1) {
		a := assignment{exported: m[2] >= 0}
		if next := g.in.Run.Script[m[6]:m[7]]; strings.Trim(next, " \t;&\"')") == "" {
			a.span = g.in.At(dockerfile.Span{Start: dockerfile.Position{Offset: m[4]}, End: dockerfile.Position{Offset: m[5]}})
		}
		all = append(all, a)
	}
	return all
}

// covers reports whether a span is inside the command.
func (g *goLine) covers(s dockerfile.Span) bool {
	return s.Start.Offset >= g.b.Span.Start.Offset && s.End.Offset <= g.b.Span.End.Offset && !s.IsZero()
}

// ownENV is the ENV above the command that gives a variable its plain value, if no other build sees it.
func (g *goLine) ownENV(name string) (dockerfile.EnvVar, bool) {
	stage := g.in.Stage
	i := slices.IndexFunc(stage.Env, func(v dockerfile.EnvVar) bool { return v.Key == name })
	if i < 0 {
		return dockerfile.EnvVar{}, false
	}
	v := stage.Env[i]
	if v.By == nil || v.By.Keyword != "ENV" || v.By.Stage != stage || v.By.Index > g.in.Index || !v.Known || v.ValueSpan.IsZero() ||
		strings.Trim(g.Dockerfile.Text(v.ValueSpan), `"'`) != v.Value || setTwice(stage, name) {
		return dockerfile.EnvVar{}, false
	}
	readers := 0
	for _, s := range g.Dockerfile.Stages {
		for _, in := range s.Instructions {
			if startsFrom(s, stage) && in.Run != nil && (s != stage || in.Index > v.By.Index) {
				readers += len(in.Run.Builds) + len(readsToo.FindAllString(in.Run.Script, 1))
			}
		}
	}
	return v, readers == 1
}

// readsToo finds commands beside go build to which a variable of the go command may matter: tests with -race want cgo.
var readsToo = lazyregexp.New(`\bgo\s+(test|run|generate|tool)\b|\b(make|mage|task|ninja)\b|\.sh\b`)

var goVerb = lazyregexp.New(`\bgo[ \t]+(build|install)\b`)

// verb is the place of "build" or "install", zero if it is not plain.
func (g *goLine) verb() dockerfile.Span {
	text := g.Dockerfile.Text(g.b.Span)
	m := goVerb.FindStringSubmatchIndex(text)
	if m == nil {
		return dockerfile.Span{}
	}
	return partOf(text, g.b.Span, m[2], m[3])
}

// add gives the command flags more. Text with quotes is not put into a text that is quoted itself.
func (g *goLine) add(flags string) []dockerfile.Edit {
	at := g.verb()
	if at.IsZero() || strings.ContainsAny(flags, `"'`) && !g.plain() {
		return nil
	}
	at.Start = at.End
	return []dockerfile.Edit{{Span: at, New: " " + flags}}
}

// plain reports whether the command stands in the RUN's own script, not in a text that the script hands to a shell.
func (g *goLine) plain() bool {
	s := g.in.Script()
	return s != nil && slices.ContainsFunc(s.Commands, func(c dockerfile.ShellCommand) bool { return g.in.At(c.Span) == g.b.Span })
}

// tag builds with one more tag. Without -tags so far the verb is written anew with it, so that of two fixes that want
// tags of their own only one is applied: of two -tags the last wins.
func (g *goLine) tag(tag string) []dockerfile.Edit {
	if g.inGOFLAGS("tags") {
		return nil
	}
	flag, ok := g.b.Flag("tags")
	if !ok {
		verb := g.verb()
		if verb.IsZero() {
			return nil
		}
		return []dockerfile.Edit{{Span: verb, New: g.Dockerfile.Text(verb) + " -tags " + tag}}
	}
	text := g.Dockerfile.Text(flag.Span)
	if g.count("tags") > 1 || !plainTags.MatchString(flag.Value) || slices.Contains(strings.FieldsFunc(flag.Value, isTagSeparator), tag) {
		return nil
	}
	at := strings.LastIndex(text, flag.Value)
	if at < 0 {
		return nil
	}
	separator := ","
	if strings.Contains(flag.Value, " ") {
		separator = " "
	}
	end := partOf(text, flag.Span, at+len(flag.Value), at+len(flag.Value))
	return []dockerfile.Edit{{Span: end, New: separator + tag}}
}

var plainTags = lazyregexp.New(`^[\w.]+([ ,][\w.]+)*$`)

func isTagSeparator(r rune) bool { return r == ',' || r == ' ' }

// strip adds -s and -w to the linker's flags, in their own quotes where there are some.
func (g *goLine) strip() []dockerfile.Edit {
	if g.inGOFLAGS("ldflags") || g.count("ldflags") > 1 {
		return nil
	}
	flag, ok := g.b.Flag("ldflags")
	if !ok {
		return g.add(`-ldflags="-s -w"`)
	}
	text := g.Dockerfile.Text(flag.Span)
	value := ldflagsValue.FindStringSubmatchIndex(text)
	words := strings.Fields(flag.Value)
	if value == nil || slices.Contains(words, "-s") {
		return nil
	}
	missing := "-s -w "
	if slices.Contains(words, "-w") {
		missing = "-s "
	}
	quoted := text[value[2]:value[3]] != ""
	if rest := text[value[3]:]; !quoted && (!g.plain() || strings.ContainsAny(rest, `"'$\`+"` \t\n")) {
		return nil
	}
	at := partOf(text, flag.Span, value[3], value[3])
	if quoted {
		return []dockerfile.Edit{{Span: at, New: missing}}
	}
	end := dockerfile.Span{Start: flag.Span.End, End: flag.Span.End}
	return []dockerfile.Edit{{Span: at, New: `"` + missing}, {Span: end, New: `"`}}
}

// ldflagsValue finds the quote with which the flags begin, if any; flags for some packages only (all=-w) do not match.
var ldflagsValue = lazyregexp.New(`^--?ldflags(?:=|[ \t]+)(["']?)(?:-|\$)`)

// count is how often the command has a flag.
func (g *goLine) count(name string) int {
	n := 0
	for _, f := range g.b.Flags {
		if f.Name == name {
			n++
		}
	}
	return n
}

// inGOFLAGS reports whether GOFLAGS has a flag, or may have it: a flag of the command would replace that one.
func (g *goLine) inGOFLAGS(name string) bool {
	return slices.Contains(g.b.Unknown, "GOFLAGS") || strings.Contains(g.b.Env["GOFLAGS"], "-"+name)
}

// drop removes a flag of the command with the blanks before it, or with its line if it is alone there.
func (g *goLine) drop(f dockerfile.GoFlag) []dockerfile.Edit {
	source := string(g.Dockerfile.Source)
	start, end := len(strings.TrimRight(source[:f.Span.Start.Offset], " \t")), f.Span.End.Offset
	if start > 0 && source[start-1] == '\n' {
		if after := lineJoin.FindString(source[end:]); after != "" {
			end += len(after)
		} else if before := joinedLine.FindString(source[:start]); before != "" { // nothing follows: the line before is the last
			start -= len(before)
		} else {
			return nil
		}
	}
	return []dockerfile.Edit{{Span: dockerfile.Span{Start: placeOf(source, start), End: placeOf(source, end)}}}
}

// lineJoin is a line end that the shell does not see, joinedLine one before a place.
var (
	lineJoin   = lazyregexp.New("^[ \t]*\\\\[ \t]*\r?\n")
	joinedLine = lazyregexp.New("[ \t]*\\\\[ \t]*\r?\n$")
)

// placeOf is the position of an offset.
func placeOf(source string, offset int) dockerfile.Position {
	before := source[:offset]
	return dockerfile.Position{Line: 1 + strings.Count(before, "\n"), Column: offset - strings.LastIndexByte(before, '\n'), Offset: offset}
}

// partOf is the span of text[i:j], text being what stands at a span.
func partOf(text string, s dockerfile.Span, i, j int) dockerfile.Span {
	at := func(n int) dockerfile.Position {
		p := dockerfile.Position{Line: s.Start.Line, Column: s.Start.Column + n, Offset: s.Start.Offset + n}
		if end := strings.LastIndexByte(text[:n], '\n'); end >= 0 {
			p.Line, p.Column = s.Start.Line+strings.Count(text[:n], "\n"), n-end
		}
		return p
	}
	return dockerfile.Span{Start: at(i), End: at(j)}
}
