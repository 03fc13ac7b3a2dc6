package binary

import (
	"slices"
	"strings"
)

// linkageNeeds returns what the kernel and the dynamic loader want before the first instruction. Both are proven:
// execve and ld.so(8) have no way around them.
func linkageNeeds(e *ELF) []Need {
	var needs []Need
	if e.Interpreter != "" {
		needs = append(needs, Need{
			Topic: TopicLoader, Certainty: Proven, Names: []string{e.Interpreter},
			Evidence: []Evidence{{Text: "has the interpreter " + e.Interpreter}},
		})
	}
	if e.Interpreter != "" && len(e.Needed) > 0 { // without an interpreter nobody reads them
		names := slices.Sorted(slices.Values(e.Needed))
		needs = append(needs, Need{
			Topic: TopicLibraries, Certainty: Proven, Names: slices.Compact(names),
			Evidence: []Evidence{{Text: "needs " + strings.Join(e.Needed, ", ")}},
		})
	}
	return needs
}
