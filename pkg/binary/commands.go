package binary

import "slices"

// The functions of github.com/spf13/cobra that execute a command, and that which makes one a part of another.
const (
	cobra      = "github.com/spf13/cobra"
	addCommand = cobra + ".(*Command).AddCommand"
)

var executes = []string{
	cobra + ".(*Command).Execute", cobra + ".(*Command).ExecuteC", cobra + ".(*Command).ExecuteContext", cobra + ".(*Command).ExecuteContextC",
}

// runs are the fields of a command that are called when it runs. Source: cobra/command.go, (*Command).execute.
var runs = []string{"PersistentPreRun", "PersistentPreRunE", "PreRun", "PreRunE", "Run", "RunE"}

// runFields returns the offsets of these fields in the type at an address.
func (p *program) runFields(t uint64) []uint64 {
	var all []uint64
	for _, name := range runs {
		if offset, ok := p.m.fieldOffset(t, name); ok {
			if p.bitBelowOffset() {
				offset /= 2
			}
			all = append(all, offset)
		}
	}
	return all
}

// hasSubcommands says whether the program makes commands parts of others: then the command line decides which of them
// runs. Cobra itself adds those that help.
func (p *program) hasSubcommands() bool {
	return len(p.usesOf([]string{addCommand}, inPackages(cobra))) > 0
}

// executed says whether a command that a function makes at a call is executed there, or by who gets it.
func (p *program) executed(fn int32, site uint32, r *reach) bool {
	if p.hasSubcommands() {
		return false
	}
	left := followSteps * 2
	return p.executedAfter(fn, site, r, &left, 0)
}

// executedAfter follows the result of a call.
func (p *program) executedAfter(fn int32, site uint32, r *reach, left *int, up int) bool {
	f := p.newFollower(fn, left, 0, judgeCommand)
	if f == nil || !r.reached(fn) {
		return false
	}
	f.from(site, func(now *registers, _ *passed) bool { return f.result(now, thing) })
	if f.fate.called {
		return true
	}
	for _, address := range f.fate.variables {
		if p.executesVariable(address, r) {
			return true
		}
	}
	if f.fate.results[0] != thing || up >= followDepth {
		return false
	}
	for _, caller := range p.graph.callers(fn, followPaths) {
		for _, c := range p.callsTo(caller, func(callee int32) bool { return callee == fn }) {
			if p.executedAfter(caller, c.at, r, left, up+1) {
				return true
			}
		}
	}
	return false
}

// judgeCommand says what a call does to a command.
func judgeCommand(f *follower, c *passed) (none [maxWords]value) {
	switch pkg := packageOf(c.name); {
	case c.words[0] == thing && slices.Contains(executes, c.name):
		f.fate.called = true
	case c.callee >= 0 && pkg != cobra && pkg != "github.com/spf13/pflag" && !isStandard(pkg):
		in := f.enter(c.callee, c.words, value{})
		f.fate.called = f.fate.called || in.called
		return in.results
	}
	return none
}

// executesVariable says whether a reached call executes the command in a variable.
func (p *program) executesVariable(address uint64, r *reach) bool {
	in := value{known: true, kind: isVariable, n: address}
	return slices.ContainsFunc(p.executions(r), func(e execution) bool { return e.command == in })
}

// execution is a call that executes a command.
type execution struct {
	place
	command value
}

// executions returns the reached calls that execute a command.
func (p *program) executions(r *reach) []execution {
	var all []execution
	for _, u := range p.usesOf(executes, inPackages(cobra)) {
		if !r.reached(u.caller) {
			continue
		}
		if c, ok := p.tracedCall(u); ok {
			all = append(all, execution{place{u.caller, u.at}, c.words[0]})
		}
	}
	return all
}

// staticCommands returns the functions that the commands which are executed run, if they are in the data.
func (p *program) staticCommands(r *reach) []edge {
	if len(p.usesOf(executes, inPackages(cobra))) == 0 || p.hasSubcommands() {
		return nil
	}
	var edges []edge
	for _, e := range p.executions(r) {
		if e.command.known && e.command.kind == isVariable {
			p.watch(e.command.n, 8)
		}
		command, ok := p.settled(e.command).constant()
		if !ok {
			continue
		}
		types, _ := p.structField("cobra.Command", "RunE")
		if len(types) == 0 {
			break
		}
		for _, offset := range p.runFields(types[0]) {
			p.flow.commands = append(p.flow.commands, command+offset)
			at, _ := p.m.word(command + offset)
			if fn, ok := p.graph.slots.at(at); ok {
				edges = append(edges, edge{caller: e.caller, callee: fn, at: e.at})
			}
		}
	}
	return edges
}
