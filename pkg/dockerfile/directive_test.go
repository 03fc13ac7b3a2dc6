package dockerfile

import (
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// FuzzDirective compares the directives with what BuildKit's parser says.
func FuzzDirective(f *testing.F) {
	for _, source := range []string{"", "FROM a\n", "# syntax=a b\n#check=skip=A;error=true\r\nFROM a", "\ufeff#!/bin/x\n# escape=`\n# check = skip=B, C\n", "# why\n# syntax=a\n", "//syntax=a\n",
		"{\"syntax\": \"a\"}", "#syntax=a\n#syntax=b\n#check=c\n", " # syntax=a\n", "#!x\n//syntax=a\n", "\n{\"syntax\":\"x\"}", "#syntax=\n#check=a\n"} {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		value, _, at, ok := parser.ParseDirective("check", source)
		line := 0
		if ok {
			line = at[0].Start.Line
		}
		if got, n := directive("check", source); got != value || n != line {
			t.Errorf("check: %q at %d, BuildKit says %q at %d", got, n, value, line)
		}
		syntax, _, _, _ := parser.DetectSyntax(source)
		if got := syntaxOf(source); got != syntax {
			t.Errorf("syntax: %q, BuildKit says %q", got, syntax)
		}
	})
}
