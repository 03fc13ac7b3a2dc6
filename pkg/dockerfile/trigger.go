package dockerfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// inner is the instruction that an ONBUILD holds, as it stands there.
func (r *reader) inner(in *Instruction, n *parser.Node) *Instruction {
	if n.Next == nil || len(n.Next.Children) == 0 {
		return nil
	}
	t := r.command(n.Next.Children[0], in.joined, r.file.Escape)
	t.Stage, t.Index = in.Stage, in.Index
	t.Span, t.Heredocs, t.bodies = in.joined.span(t.parts.keyword.start, len(in.joined.s)), in.Heredocs, in.bodies
	if k := len(t.bodies) - 1; k >= 0 {
		t.Span.End = r.table.position(t.bodies[k].end.end)
	}
	t.first, t.lastLine = in.first, in.lastLine
	t.script = t.shellText()
	t.parsed = t.parseLater()
	return t
}

// parentTriggers puts the ONBUILD triggers of a stage's Parent before its own instructions.
func (r *reader) parentTriggers(s *Stage) error {
	if s.Parent == nil {
		return nil
	}
	var triggers []step
	for _, in := range s.Parent.Instructions {
		if in.Keyword != "ONBUILD" {
			continue
		}
		t, err := r.trigger(s, in.OnBuild, in)
		if err != nil {
			return err
		}
		triggers = append(triggers, t)
		if r.left++; r.left+len(r.ast.Children) > maxInstructions {
			return tooMany(r.left+len(r.ast.Children), "instructions, those of ONBUILD in each stage counted", maxInstructions)
		}
	}
	r.prepend(s, triggers)
	return nil
}

// home is the instruction of the file that brings this one: for a trigger the ONBUILD, or the FROM of a base image that
// has it.
func (i *Instruction) home() *Instruction {
	switch {
	case i.OnBuildOf != nil:
		return i.OnBuildOf
	case i.line.pieces == nil && i.Stage != nil:
		return i.Stage.From
	}
	return i
}

func (r *reader) prepend(s *Stage, triggers []step) {
	for _, t := range triggers {
		s.Triggers = append(s.Triggers, t.in)
	}
	r.steps[s] = append(triggers, r.steps[s]...)
}

// trigger reads the text of an ONBUILD for the stage in which it runs, like initOnBuildTriggers in
// dockerfile2llb/convert.go. onbuild is nil if the base image holds it.
func (r *reader) trigger(s *Stage, text string, onbuild *Instruction) (step, error) {
	result, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return step{}, err
	}
	if len(result.AST.Children) != 1 {
		return step{}, errors.New("onbuild trigger should be a single expression")
	}
	n := result.AST.Children[0]
	parsed, err := instructions.ParseInstructionWithLinter(n, linter.New(&linter.Config{}))
	if err != nil {
		return step{}, err
	}
	cmd, ok := parsed.(instructions.Command)
	if !ok {
		return step{}, fmt.Errorf("%T is not a command type", parsed)
	}
	in := r.unplaced(n)
	if onbuild != nil && onbuild.Trigger != nil {
		copied := *onbuild.Trigger
		in = &copied
	}
	in.Stage, in.Index, in.OnBuildOf = s, 0, onbuild
	return step{in: in, cmd: cmd, by: in.home(), trigger: true}, nil
}

// unplaced is an instruction that stands in no file.
func (r *reader) unplaced(n *parser.Node) *Instruction {
	in := r.command(n, &text{s: n.Original, table: r.table}, parser.DefaultEscapeToken)
	for _, h := range n.Heredocs {
		content := h.Content
		if h.Chomp {
			content = parser.ChompHeredocContent(content)
		}
		in.Heredocs = append(in.Heredocs, Heredoc{Name: h.Name, Content: content, Expand: h.Expand})
		in.bodies = append(in.bodies, heredocText{
			content: &text{s: content, table: r.table}, raw: &text{s: h.Content, table: r.table}, terminator: &text{s: h.Name, table: r.table},
		})
	}
	in.script = in.shellText()
	in.parsed = in.parseLater()
	return in
}
