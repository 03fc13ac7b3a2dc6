package binary

import "slices"

// starts are the functions that start a process beside the program, which syscall.Exec does not.
var starts = []string{
	"os/exec.(*Cmd).Start", "os/exec.(*Cmd).Run", "os/exec.(*Cmd).Output", "os/exec.(*Cmd).CombinedOutput",
	"os.StartProcess", "syscall.StartProcess", "syscall.ForkExec",
}

// waits are the system calls that can wait for any child, which package os does not ask for.
var waits = []string{"syscall.Wait4", "golang.org/x/sys/unix.Wait4", "golang.org/x/sys/unix.Waitid"}

// sigchld tells a process that a child of it ended. Source: signal(7).
const sigchld = 17

var children = detector{names: slices.Concat(starts, waits), detect: detectChildren}

// detectChildren comes after the signals.
func detectChildren(p *program, b *Binary) {
	b.Children.Reaps = slices.Contains(b.Signals.Handled, sigchld)
	for _, u := range p.usesOf(waits, inPackages("os", "syscall", "golang.org/x/sys/unix")) {
		c, ok := p.callAt(u)
		one := ok && c.known&1 != 0 && int32(c.words[0]) > 0 // a certain child
		b.Children.Reaps = b.Children.Reaps || !one
	}
	var facts []fact
	for _, u := range p.usesOf(starts, inPackages("os", "os/exec", "syscall")) {
		facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(starts)
	}
	if len(facts) == 0 {
		return
	}
	sortFacts(facts)
	b.Children.Starts, b.Children.Evidence = facts[0].certainty, evidenceOf(facts)
}
