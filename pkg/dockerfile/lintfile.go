package dockerfile

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
)

// stageNames is validateStageNames of dockerfile2llb/validations.go.
func (c *check) stageNames(stages []instructions.Stage) {
	seen := map[string]bool{}
	for k, s := range stages {
		if s.Name == "" {
			continue
		}
		from := c.r.file.Stages[k].From
		c.about(from, from.word(2))
		if s.Name == "context" || s.Name == "scratch" {
			c.lint.Run(&linter.RuleReservedStageName, s.Location, linter.RuleReservedStageName.Format(s.Name))
		}
		if seen[s.Name] {
			c.lint.Run(&linter.RuleDuplicateStageName, s.Location, linter.RuleDuplicateStageName.Format(s.Name))
		}
		seen[s.Name] = true
	}
}

// casing is validateCommandCasing: FROM and the instructions below it should be written as most of them are.
func (c *check) casing(stages []instructions.Stage) {
	lower, upper := 0, 0
	count := func(name string) {
		switch name {
		case strings.ToLower(name):
			lower++
		case strings.ToUpper(name):
			upper++
		}
	}
	for _, s := range stages {
		count(s.OrigCmd)
		for _, cmd := range s.Commands {
			count(cmd.Name())
		}
	}
	right, wanted := strings.ToUpper, "uppercase"
	if lower > upper {
		right, wanted = strings.ToLower, "lowercase"
	}
	rule := &linter.RuleConsistentInstructionCasing
	for k, s := range stages {
		own := c.r.file.Stages[k]
		if s.OrigCmd != right(s.OrigCmd) {
			c.about(own.From, own.From.keywordSpan())
			c.lint.Run(rule, s.Location, rule.Format(s.OrigCmd, wanted))
		}
		for n, cmd := range s.Commands {
			if cmd.Name() != right(cmd.Name()) {
				c.about(own.Instructions[n], own.Instructions[n].keywordSpan())
				c.lint.Run(rule, cmd.Location(), rule.Format(cmd.Name(), wanted))
			}
		}
	}
}

// defaultArgs is validateBaseImagesWithDefaultArgs: does every FROM name an image when no --build-arg is given?
func (c *check) defaultArgs(stages []instructions.Stage, metaArgs []instructions.ArgCommand) {
	if !c.setGlobal(metaArgs, nil) {
		return
	}
	rule := &linter.RuleInvalidDefaultArgInFrom
	for k, s := range stages {
		result, err := c.global.process(s.BaseName, environment{scope: &c.global})
		if err != nil {
			return
		}
		if checkReference(result.Result) != nil {
			from := c.r.file.Stages[k].From
			c.about(from, from.word(0))
			c.lint.Run(rule, s.Location, rule.Format(s.BaseName))
		}
	}
}

// setGlobal computes the ARGs before the first FROM as buildMetaArgs of dockerfile2llb/convert.go does, and reports
// whether that is possible.
func (c *check) setGlobal(metaArgs []instructions.ArgCommand, given map[string]string) bool {
	c.global, c.unset = *c.r.given.inner(c.r.file.Escape), nil
	for _, m := range metaArgs {
		for _, arg := range m.Args {
			value, isGiven := given[arg.Key]
			switch {
			case isGiven:
				c.global.set(arg.Key, value, true)
			case arg.Value != nil:
				value, ok := c.value(*arg.Value)
				if !ok {
					return false
				}
				c.global.set(arg.Key, value, true)
			default:
				c.unset = append(c.unset, arg.Key)
			}
		}
	}
	return true
}

// value expands a word before the first FROM.
func (c *check) value(word string) (string, bool) {
	if plainWord(word, c.r.file.Escape) {
		return word, true
	}
	if len(word)*c.global.longest > maxExpansion {
		return "", false
	}
	result, err := c.global.process(word, environment{scope: &c.global})
	return result.Result, err == nil && len(result.Result) <= maxValue
}
