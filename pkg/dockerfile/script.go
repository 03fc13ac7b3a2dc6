package dockerfile

import (
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// Script is the parsed shell text of a RUN, or of the shell form of CMD, ENTRYPOINT or HEALTHCHECK: its spans are
// offsets of that text, which Instruction.At maps to the file. It is nil when there is no such text, when it does not
// parse, and when the stage's SHELL reads another language. It is parsed when first asked for and then kept; it must not
// be changed. Several goroutines may ask at once.
func (i *Instruction) Script() *Script {
	if i.parsed == nil {
		return nil
	}
	i.parsed.script.Do(func() {
		if tree := i.parsed.syntax(); tree != nil {
			i.parsed.read, _ = readShell(i.parsed.text, tree)
		}
	})
	return i.parsed.read
}

// parsing is a shell text that is parsed once, when it is first asked for.
type parsing struct {
	text         string
	once, script sync.Once
	tree         *syntax.File
	read         *Script
}

// syntax is the shell parser's tree, nil if the text does not parse.
func (p *parsing) syntax() *syntax.File {
	p.once.Do(func() { p.tree, _ = parseSyntax(p.text) })
	return p.tree
}

// parseLater makes what Script asks.
func (i *Instruction) parseLater() *parsing {
	if i.script == nil || i.script.s == "" {
		return nil
	}
	return &parsing{text: i.script.s}
}
