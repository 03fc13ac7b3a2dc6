package dockerfile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Warning is one of BuildKit's own checks, in BuildKit's words.
type Warning struct {
	Rule    string // BuildKit's name: "JSONArgsRecommended"
	Message string
	Span    Span // the word, flag or variable that is meant
	// First and Last are the lines that BuildKit names, 0 where it names none.
	First, Last int
	// By is the instruction it is about. Where it comes from an ONBUILD trigger, it is the FROM that pulls it.
	By *Instruction
	// Built is true when BuildKit says it in the build of the target, too; false in a stage that the target does not need.
	Built bool
	// Fails is true when the build of the target ends with it, because the file asks for errors (check=error=true).
	Fails bool
	// Unsure is true when BuildKit says it only if the base image, which is not known here, does not define a variable
	// or a shell.
	Unsure bool
}

// check runs BuildKit's linter over a file. The warnings of the parser and of package instructions come from there; those
// of package dockerfile2llb, which are private to it, are found the way its convert.go and validations.go find them, in
// the same order. BuildKit's linter itself decides what is skipped and what is experimental.
type check struct {
	r      *reader
	config *linter.Config
	lint   *linter.Linter
	global scope    // ARG before the first FROM, as BuildKit sees them: one without a value is not there
	unset  []string // ARG before the first FROM without a value
	states map[*Stage]*checkState
	// What the next warning is about.
	by     *Instruction
	at     Span
	unsure bool
	// inStage is true once the instructions of stages are followed, which a build does for those that it needs only.
	inStage bool
}

// newCheck reads the check directive.
func (r *reader) newCheck() (*check, error) {
	options, _ := directive("check", r.file.Source)
	config, err := linter.ParseLintOptions(options)
	if err != nil {
		return nil, fmt.Errorf("failed to parse check options: %w", err)
	}
	c := &check{r: r, config: config, states: map[*Stage]*checkState{}}
	config.Warn = c.warn
	c.lint = linter.New(config)
	return c, nil
}

// parse runs instructions.Parse with the linter.
func (c *check) parse(result *parser.Result) ([]instructions.Stage, []instructions.ArgCommand, error) {
	for _, w := range result.Warnings {
		if w.URL == linter.RuleNoEmptyContinuation.URL && w.Location != nil {
			c.lint.Run(&linter.RuleNoEmptyContinuation, []parser.Range{*w.Location}, linter.RuleNoEmptyContinuation.Format())
		}
	}
	return instructions.Parse(result.AST, c.lint)
}

// Bounds for files that are made to hurt: more warnings are not kept, among more names none is suggested.
const (
	maxWarnings  = maxInstructions
	maxSuggested = 500
)

// full reports whether there are enough warnings.
func (c *check) full() bool { return len(c.r.file.Warnings) >= maxWarnings }

// warn keeps a warning.
func (c *check) warn(rule, _, _, message string, location []parser.Range) {
	if c.full() {
		return
	}
	w := Warning{Rule: rule, Message: message, By: c.by, Span: c.at, Unsure: c.unsure, Built: !c.inStage}
	if len(location) > 0 {
		w.First, w.Last = location[0].Start.Line, location[len(location)-1].End.Line
	}
	c.r.file.Warnings = append(c.r.file.Warnings, w)
}

// about says what the next warnings are about.
func (c *check) about(by *Instruction, at Span) { c.by, c.at, c.unsure = by, at, false }

// stages runs the checks of whole files and of stages. An error of BuildKit ends its check; where that stage is one that
// the target needs, it is ours too.
func (c *check) stages(stages []instructions.Stage, metaArgs []instructions.ArgCommand) error {
	c.placeParsed()
	c.stageNames(stages)
	c.casing(stages)
	c.defaultArgs(stages, metaArgs)
	if len(c.r.file.Options.BuildArgs) > 0 {
		c.setGlobal(metaArgs, c.r.file.Options.BuildArgs)
	}
	for k, s := range c.r.file.Stages {
		c.from(s, stages[k])
	}
	c.basePlatforms(stages)
	c.inStage = true
	for k, s := range c.r.file.Stages {
		if err := c.stage(s, stages[k]); err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// finish sorts the warnings, and marks those that end the build.
func (c *check) finish() {
	f := c.r.file
	for k := range f.Warnings {
		w := &f.Warnings[k]
		w.Built = w.Built || w.By == nil || w.By.Stage == nil || f.Reachable(w.By.Stage)
		w.Fails = c.config.ReturnAsError && w.Built && !w.Unsure
	}
	slices.SortStableFunc(f.Warnings, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset), cmp.Compare(a.Rule, b.Rule))
	})
}

// placeParsed gives the warnings of the parser their spans: BuildKit names lines only.
func (c *check) placeParsed() {
	var all []*Instruction
	all = append(all, c.r.file.MetaArgs...)
	for _, s := range c.r.file.Stages {
		all = append(append(all, s.From), s.Instructions...)
	}
	for k := range c.r.file.Warnings {
		w := &c.r.file.Warnings[k]
		i, _ := slices.BinarySearchFunc(all, w.First, func(in *Instruction, line int) int { return cmp.Compare(in.lastLine, line) })
		if i == len(all) {
			continue
		}
		in := all[i]
		w.By, w.Span = in, in.keywordSpan()
		switch w.Rule {
		case linter.RuleNoEmptyContinuation.Name:
			w.Span = in.blank
		case linter.RuleFromAsCasing.Name:
			w.Span = in.word(1)
		case linter.RuleStageNameCasing.Name:
			w.Span = in.word(2)
		case linter.RuleInvalidDefinitionDescription.Name:
			if in.Keyword == "FROM" {
				w.Span = in.word(2)
			} else {
				w.Span = in.keySpan(0)
			}
		}
	}
}

// keywordSpan is the span of the keyword.
func (i *Instruction) keywordSpan() Span {
	s := i.Span
	n := len(i.Keyword)
	s.End = Position{Line: s.Start.Line, Column: s.Start.Column + n, Offset: s.Start.Offset + n}
	return s
}

// word is the span of the k-th word, the keyword if there is none.
func (i *Instruction) word(k int) Span {
	if k < len(i.Words) {
		return i.Words[k].Span
	}
	return i.keywordSpan()
}

// words is the span of all words.
func (i *Instruction) words() Span {
	if len(i.Words) == 0 {
		return i.keywordSpan()
	}
	return Span{Start: i.Words[0].Span.Start, End: i.Words[len(i.Words)-1].Span.End}
}
