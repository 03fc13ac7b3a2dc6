package dockerfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// maxSize bounds a Dockerfile: BuildKit's parser recurses on its text, and no real one comes near.
const maxSize = 1 << 20

// maxStages bounds the stages, since each one holds what it inherits.
const maxStages = 256

// reader is what the parts of one Parse share.
type reader struct {
	file   *File
	table  *lineTable
	ast    *parser.Node
	steps  map[*Stage][]step
	states map[*Stage]*state
	images []image // to be refused if they can be none
	meta   *scope  // values of ARG before the first FROM, and the predefined ones
}

// step is one instruction as we and as BuildKit know it. For the triggers that a stage inherits, in is the ONBUILD.
type step struct {
	in      *Instruction
	cmd     instructions.Command
	trigger bool
}

func parse(path string, src []byte, opt Options) (*File, error) {
	r := &reader{
		file:   &File{Path: path, Source: src, Options: opt, deps: map[*Stage][]*Stage{}},
		table:  newLineTable(src),
		steps:  map[*Stage][]step{},
		states: map[*Stage]*state{},
	}
	if len(src) > maxSize {
		return nil, &ParseError{Path: path, Msg: fmt.Sprintf("dockerfile larger than %d bytes", maxSize)}
	}
	if len(src) == 0 {
		return nil, &ParseError{Path: path, Msg: "the Dockerfile cannot be empty"}
	}
	if err := r.read(); err != nil {
		return nil, r.refusal(err)
	}
	return r.file, nil
}

// read fills the file: syntax, then the stage graph, then the state of each stage.
func (r *reader) read() error {
	result, err := parser.Parse(bytes.NewReader(r.file.Source))
	if err != nil {
		return r.atLongLine(err)
	}
	r.ast = result.AST
	r.file.Escape = byte(result.EscapeToken)
	r.file.Syntax, _, _, _ = parser.DetectSyntax(r.file.Source)
	if err := refuseChains(r.ast); err != nil {
		return err
	}
	stages, metaArgs, err := r.parseInstructions(result)
	if err != nil {
		return err
	}
	if len(stages) == 0 {
		return errors.New("dockerfile contains no stages to build")
	}
	if len(stages) > maxStages {
		return fmt.Errorf("dockerfile contains %d stages, more than %d", len(stages), maxStages)
	}
	r.build(stages)
	r.placeWarnings()
	if err := r.link(stages, metaArgs); err != nil {
		return err
	}
	return r.evaluate()
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
		case stage == nil:
			in.Index = len(f.MetaArgs)
			f.MetaArgs = append(f.MetaArgs, in)
		default:
			in.Stage, in.Index = stage, len(stage.Instructions)
			cmd := stages[stage.Index].Commands[in.Index]
			if c, ok := cmd.(*instructions.OnbuildCommand); ok {
				in.OnBuild = c.Expression
			}
			stage.Instructions = append(stage.Instructions, in)
			stage.Span.End = in.Span.End
			r.steps[stage] = append(r.steps[stage], step{in: in, cmd: cmd})
		}
	}
}

var lineOfError = regexp.MustCompile(`^dockerfile parse error on line \d+: `)

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
