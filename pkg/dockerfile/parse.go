package dockerfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// reader is what the parts of one Parse share.
type reader struct {
	file   *File
	table  *lineTable
	ast    *parser.Node
	steps  map[*Stage][]step
	states map[*Stage]*state
	left   int     // triggers that stages have left to others
	images []image // to be refused if they can be none
	lex    *shell.Lex
	given  *scope // what BuildKit defines before the first line
	meta   *scope // values of ARG before the first FROM, below given
}

// otherFrontend reports whether a file asks to be read by another frontend than the released docker/dockerfile.
func otherFrontend(src []byte) bool {
	syntax := syntaxOf(src)
	image, _, _ := strings.Cut(syntax, "@")
	dir, last := path.Split("/" + image)
	name, tag, _ := strings.Cut(last, ":")
	return syntax != "" && (name != "dockerfile" || !strings.HasSuffix(dir, "/docker/") || strings.Contains(tag, "labs"))
}

// step is one instruction as we and as BuildKit know it.
type step struct {
	in      *Instruction
	cmd     instructions.Command
	by      *Instruction // what settings name as their origin: in, or for a trigger its ONBUILD, or the FROM if the base image has it
	trigger bool
}

func parse(name string, src []byte, opt Options) (*File, error) {
	table := newLineTable(src)
	r := &reader{
		file:   &File{Path: name, Source: src, Options: opt, deps: map[*Stage][]*Stage{}, table: table},
		table:  table,
		steps:  map[*Stage][]step{},
		states: map[*Stage]*state{},
	}
	if len(src) > maxSize {
		return nil, &ParseError{Path: name, Msg: fmt.Sprintf("dockerfile larger than %d bytes", maxSize), Source: src, Ours: true}
	}
	if len(src) == 0 {
		return nil, &ParseError{Path: name, Msg: "the Dockerfile cannot be empty", Source: src}
	}
	if err := r.read(); err != nil {
		e := r.refusal(err)
		e.Source, e.Ours = src, errors.Is(err, errNotRefused) || otherFrontend(src)
		return nil, e
	}
	return r.file, nil
}

// read fills the file: syntax, then the stage graph, then the state of each stage.
func (r *reader) read() error {
	check, err := r.newCheck()
	if err != nil {
		return err
	}
	result, err := parser.Parse(bytes.NewReader(r.file.Source))
	if err != nil {
		return r.atLongLine(err)
	}
	r.ast = result.AST
	r.file.Escape, r.lex = byte(result.EscapeToken), shell.NewLex(result.EscapeToken)
	r.file.Syntax = syntaxOf(r.file.Source)
	if err := boundTree(r.ast); err != nil {
		return err
	}
	if err := refuseChains(r.ast); err != nil {
		return err
	}
	stages, metaArgs, err := check.parse(result)
	if err != nil {
		return err
	}
	if len(stages) == 0 {
		return errors.New("dockerfile contains no stages to build")
	}
	if len(stages) > maxStages {
		return tooMany(len(stages), "stages", maxStages)
	}
	r.build(stages)
	if err := r.boundShell(); err != nil {
		return err
	}
	if err := r.link(stages, metaArgs); err != nil {
		return err
	}
	if err := r.evaluate(); err != nil {
		return err
	}
	r.file.sortMissing()
	r.file.Undeclared = r.undeclared(metaArgs)
	return check.stages(stages, metaArgs)
}

// atLongLine moves BuildKit's error about a line that is too long to that line: BuildKit names the last one before it.
func (r *reader) atLongLine(err error) error {
	if !strings.Contains(err.Error(), "line greater than max") {
		return err
	}
	for n := 1; n <= len(r.table.starts); n++ {
		if start, end := r.table.bounds(n); end-start >= bufio.MaxScanTokenSize {
			at := parser.Position{Line: n}
			return parser.SetLocation(err, []parser.Range{{Start: at, End: at}})
		}
	}
	return err
}

// refuseChains refuses ONBUILD ONBUILD before instructions.Parse walks the chain, which takes quadratic time.
func refuseChains(ast *parser.Node) error {
	for _, n := range ast.Children {
		if strings.EqualFold(n.Value, "onbuild") && n.Next != nil && len(n.Next.Children) > 0 &&
			strings.EqualFold(n.Next.Children[0].Value, "onbuild") {
			//lint:ignore ST1005 these are BuildKit's words
			return parser.WithLocation(errors.New("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"), n.Location())
		}
	}
	return nil
}

// build turns the AST into instructions with spans and sorts them into stages. The AST has one child per instruction,
// in the order of instructions.Parse.
func (r *reader) build(stages []instructions.Stage) {
	f := r.file
	var stage *Stage
	for _, n := range r.ast.Children {
		in := r.instruction(n)
		switch {
		case in.Keyword == "FROM":
			from := stages[len(f.Stages)]
			stage = &Stage{Index: len(f.Stages), Name: from.Name, BaseRaw: from.BaseName, From: in, Span: in.Span}
			in.Stage, in.Index = stage, -1
			f.Stages = append(f.Stages, stage)
			r.steps[stage] = make([]step, 0, len(from.Commands))
			stage.Instructions = make([]*Instruction, 0, len(from.Commands))
		case stage == nil:
			in.Index = len(f.MetaArgs)
			f.MetaArgs = append(f.MetaArgs, in)
		default:
			in.Stage, in.Index = stage, len(stage.Instructions)
			cmd := stages[stage.Index].Commands[in.Index]
			if c, ok := cmd.(*instructions.OnbuildCommand); ok {
				in.OnBuild = c.Expression
				in.Trigger = r.inner(in, n)
			}
			stage.Instructions = append(stage.Instructions, in)
			stage.Span.End = in.Span.End
			r.steps[stage] = append(r.steps[stage], step{in: in, cmd: cmd, by: in})
		}
	}
}

var lineOfError = lazyregexp.New(`^dockerfile parse error on line \d+: `)

// refusal makes BuildKit's error ours: its words, and the lines they are about.
func (r *reader) refusal(err error) *ParseError {
	e := &ParseError{Path: r.file.Path, Msg: lineOfError.ReplaceAllString(err.Error(), "")}
	e.Msg = strings.ToValidUTF8(strings.Join(strings.Fields(e.Msg), " "), "?")
	var located *parser.LocationError
	if !errors.As(err, &located) || len(located.Locations) == 0 || len(located.Locations[0]) == 0 {
		return e
	}
	lines := located.Locations[0]
	start, end := r.table.bounds(max(lines[0].Start.Line, 1))
	if last := lines[len(lines)-1].End.Line; last > lines[0].Start.Line {
		_, end = r.table.bounds(last)
	}
	text := r.file.Source[start:end]
	end -= len(text) - len(bytes.TrimRight(text, " \t\r\n"))
	start += len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	e.Span = r.table.span(start, max(start, end))
	keyword, _, _ := strings.Cut(string(r.file.Source[start:max(start, end)]), " ")
	e.Msg = respell(e.Msg, strings.ToUpper(keyword))
	return e
}

func parseErrorText(e *ParseError) string {
	if e.Span.IsZero() {
		return fmt.Sprintf("%s: %s", e.Path, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Span.Start.Line, e.Msg)
}
