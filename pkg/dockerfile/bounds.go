package dockerfile

import (
	"errors"
	"fmt"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// What is read of one Dockerfile at most. A larger one is made to hurt, or made by a program for programs. It may build all the same, so that it is not refused but not looked at
// (ParseError.Ours), which is never a pass.
const (
	maxSize         = 1 << 20 // bytes: BuildKit's parser recurses on its text
	maxStages       = 256     // each one holds what it inherits
	maxInstructions = 2000    // those that ONBUILD leaves to other stages counted in each of them
	maxWords        = 20000   // arguments, flags and here-documents of all instructions
	maxCommands     = 10000   // ; & | ( and ends of lines in the shell text of all instructions
	maxShellWords   = 50000   // blanks in it, and those
)

// errNotRefused marks an error that is none of BuildKit's about the file.
var errNotRefused = errors.New("")

// tooMany is the error about a file beyond a bound.
func tooMany(n int, what string, most int) error {
	return fmt.Errorf("dockerfile contains %d %s, more than %d%w", n, what, most, errNotRefused)
}

// boundTree refuses to read a tree with too much in it.
func boundTree(ast *parser.Node) error {
	if n := len(ast.Children); n > maxInstructions {
		return tooMany(n, "instructions", maxInstructions)
	}
	words := 0
	for _, n := range ast.Children {
		words += countWords(n)
	}
	if words > maxWords {
		return tooMany(words, "words", maxWords)
	}
	return nil
}

// countWords counts the arguments of an instruction, and those of the one that an ONBUILD holds.
func countWords(n *parser.Node) int {
	words := len(n.Flags) + len(n.Heredocs)
	for a := n.Next; a != nil; a = a.Next {
		words++
		for _, held := range a.Children {
			words += countWords(held)
		}
	}
	return words
}

// boundShell refuses to read a file with too much shell text.
func (r *reader) boundShell() error {
	commands, words := 0, 0
	for _, s := range r.file.Stages {
		for _, in := range s.Instructions {
			for _, holder := range []*Instruction{in, in.Trigger} {
				if holder == nil || holder.script == nil {
					continue
				}
				text := holder.script.s
				if len(text) > maxShell {
					return parser.WithLocation(tooMany(len(text), "bytes of shell text in one instruction", maxShell), []parser.Range{{Start: parser.Position{Line: in.first}, End: parser.Position{Line: in.lastLine}}})
				}
				for k := range len(text) {
					switch text[k] {
					case ';', '&', '|', '(', '\n', '`':
						commands++
					case ' ', '\t':
						words++
					}
				}
			}
		}
	}
	switch {
	case commands > maxCommands:
		return tooMany(commands, "shell commands", maxCommands)
	case commands+words > maxShellWords:
		return tooMany(commands+words, "words of shell text", maxShellWords)
	}
	return nil
}
