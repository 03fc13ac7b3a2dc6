package rules

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// goVerbs are the words after go in the commands of a RUN: "build", "mod download", "test", in order.
func goVerbs(in *dockerfile.Instruction) []string {
	s := in.Script()
	if in.Run == nil || s == nil {
		return nil
	}
	var verbs []string
	for _, c := range s.Commands {
		words := c.Args
		for len(words) > 1 && slices.Contains([]string{"env", "time", "exec"}, words[0].Value) || len(words) > 1 && strings.Contains(words[0].Value, "=") {
			words = words[1:]
		}
		if len(words) < 2 || words[0].Value != "go" {
			continue
		}
		words = words[1:]
		if words[0].Value == "-C" && len(words) > 2 {
			words = words[2:]
		}
		verb := words[0].Value
		if (verb == "mod" || verb == "work") && len(words) > 1 {
			verb += " " + words[1].Value
		}
		verbs = append(verbs, verb)
	}
	return verbs
}

// downloads reports whether a RUN downloads the module's dependencies, and not one named module alone.
func downloads(in *dockerfile.Instruction) bool {
	return slices.Contains(goVerbs(in), "mod download") && !strings.Contains(in.Run.Script, "@")
}

// compiles reports whether a RUN compiles packages of Go.
func compiles(in *dockerfile.Instruction) bool {
	return slices.ContainsFunc(goVerbs(in), func(v string) bool {
		return slices.Contains([]string{"build", "install", "test", "vet", "run", "generate"}, v)
	})
}
