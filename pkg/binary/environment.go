package binary

import (
	"strconv"
	"strings"
)

// environmentNames read one variable of the environment; the first two call the third. Source: os/env.go.
var environmentNames = []string{"os.Getenv", "os.LookupEnv", "syscall.Getenv"}

var variables = detector{names: environmentNames, detect: detectEnvironment}

// detectEnvironment looks at the program's own code: what the standard library reads is known and the same for all. A
// program that reads a variable can mostly do without it, so this is likely at most.
func detectEnvironment(p *program, b *Binary) {
	var facts []fact
	for _, u := range p.usesOf(environmentNames, isStandard) {
		name, constant := p.constant(u, 0)
		if !constant || name == "" || strings.ContainsAny(name, "=\x00") {
			continue
		}
		facts = append(facts, fact{
			certainty: p.when(u, Likely),
			names:     []string{name},
			evidence:  p.evidence(u, "("+strconv.Quote(name)+")"),
		})
	}
	b.addNeed(TopicEnvironment, facts)
}
