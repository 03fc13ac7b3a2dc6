package binary

import (
	"strconv"
	"strings"
)

// execNames are the functions that start a program, and which word of the arguments its name starts at.
var execNames = map[string]int{
	"os/exec.Command":        0,
	"os/exec.CommandContext": 2, // after the context
	"os/exec.LookPath":       0,
	"os/exec.lookPath":       0, // what LookPath is inlined to since 1.26
	"os.StartProcess":        0,
	"syscall.Exec":           0,
	"syscall.ForkExec":       0,
	"syscall.StartProcess":   0,
}

// execList is the same in the order in which they are looked at; the last does the work of most others.
var execList = []string{
	"os/exec.Command", "os/exec.CommandContext", "os/exec.LookPath", "os/exec.lookPath", "os.StartProcess", "syscall.Exec", "syscall.ForkExec",
	"syscall.StartProcess", "syscall.forkExec",
}

var execs = detector{names: execList, detect: detectExec}

// self is the running program, which is always there.
const self = "/proc/self/exe"

// detectExec looks for what is executed. A function that makes a temporary directory may have put the program there itself.
func detectExec(p *program, b *Binary) {
	var facts []fact
	makes := p.callersOf(tempDirNames...)
	for _, u := range p.usesOf(execList[:len(execList)-1], inPackages("os", "os/exec", "syscall")) {
		name, constant := p.constant(u, execNames[u.name])
		optional := u.name == "os/exec.LookPath" || u.name == "os/exec.lookPath" // who asks first can do without
		switch {
		case constant && name == self:
		case constant && (optional || makes[u.caller] && strings.HasPrefix(name, "/")):
			facts = append(facts, fact{p.when(u, Likely), []string{name}, p.evidence(u, "("+strconv.Quote(name)+")")})
		case constant:
			facts = append(facts, fact{p.when(u, Proven), []string{name}, p.evidence(u, "("+strconv.Quote(name)+")")})
		case optional:
			facts = append(facts, fact{certainty: Possible, evidence: p.evidence(u, " with a name known at run time only")})
		default:
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a name known at run time only")})
		}
	}
	if len(facts) == 0 {
		facts = p.linkedFact(execList[len(execList)-1:])
	}
	b.addNeed(TopicExec, facts)
}
