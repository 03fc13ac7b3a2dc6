package policy

import (
	"maps"
	"slices"
)

// Meant lists the rules that codes of other programs mean.
func Meant() []string {
	meant := map[string]bool{}
	add := func(rules []string) {
		for _, id := range rules {
			meant[id] = true
		}
	}
	for _, m := range hadolintMeaning {
		add(m.rules)
	}
	for _, name := range buildkitNames {
		add(buildkitMeaning(name))
	}
	for _, rules := range trivyMeaning {
		add(rules)
	}
	for _, rules := range checkovMeaning {
		add(rules)
	}
	return slices.Sorted(maps.Keys(meant))
}
