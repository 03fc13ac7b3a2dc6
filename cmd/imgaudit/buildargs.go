package main

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// sayUndeclared names on standard error the --build-arg that no ARG of any Dockerfile declares: a misspelt one would be
// lost silently.
func (a *app) sayUndeclared(subjects []*audit.Subject) {
	var undeclared []string
	seen := false
	for _, s := range subjects {
		switch {
		case s.Dockerfile == nil:
		case !seen:
			undeclared, seen = slices.Clone(s.Dockerfile.Undeclared), true
		default: // what one Dockerfile takes is none of the others' business
			undeclared = slices.DeleteFunc(undeclared, func(name string) bool { return !slices.Contains(s.Dockerfile.Undeclared, name) })
		}
	}
	for _, name := range undeclared {
		fmt.Fprintf(a.stderr, "imgaudit: --build-arg %q is declared by no ARG\n", name)
	}
}
