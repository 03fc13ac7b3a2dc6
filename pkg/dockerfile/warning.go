package dockerfile

import (
	"cmp"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// parseInstructions runs instructions.Parse with BuildKit's linter, configured by the file's own check directive, and
// keeps what that reports.
func (r *reader) parseInstructions(result *parser.Result) ([]instructions.Stage, []instructions.ArgCommand, error) {
	options, _, _, _ := parser.ParseDirective("check", r.file.Source)
	config, err := linter.ParseLintOptions(options)
	if err != nil {
		return nil, nil, err
	}
	config.Warn = func(rule, _, _, message string, location []parser.Range) {
		w := Warning{Rule: rule, Message: message}
		if len(location) > 0 {
			w.Span.Start.Line = location[0].Start.Line
		}
		r.file.Warnings = append(r.file.Warnings, w)
	}
	lint := linter.New(config)
	for _, w := range result.Warnings {
		if w.URL == linter.RuleNoEmptyContinuation.URL && w.Location != nil {
			lint.Run(&linter.RuleNoEmptyContinuation, []parser.Range{*w.Location}, linter.RuleNoEmptyContinuation.Format())
		}
	}
	return instructions.Parse(r.ast, lint)
}

// placeWarnings turns the lines of the warnings into spans: the instruction, or the empty line itself.
func (r *reader) placeWarnings() {
	var all []*Instruction
	all = append(all, r.file.MetaArgs...)
	for _, s := range r.file.Stages {
		all = append(append(all, s.From), s.Instructions...)
	}
	for k := range r.file.Warnings {
		w := &r.file.Warnings[k]
		i, _ := slices.BinarySearchFunc(all, w.Span.Start.Line, func(in *Instruction, line int) int {
			return cmp.Compare(in.lastLine, line)
		})
		if i == len(all) {
			continue
		}
		w.Span = all[i].Span
		if w.Rule == linter.RuleNoEmptyContinuation.Name && !all[i].blank.IsZero() {
			w.Span = all[i].blank
		}
	}
	slices.SortStableFunc(r.file.Warnings, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset), cmp.Compare(a.Rule, b.Rule))
	})
}
