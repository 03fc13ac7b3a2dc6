package binary

import (
	"slices"
	"strconv"
	"strings"
)

// The functions that change what a signal does, and which word of the arguments their list starts at. NotifyContext
// calls Notify with the list that it is given; Ignore and Reset are small and become a call of cancel, whose last
// argument tells them apart. Source: os/signal/signal.go.
const (
	notify         = "os/signal.Notify"
	notifyContext  = "os/signal.NotifyContext"
	ignore         = "os/signal.Ignore"
	cancelSignal   = "os/signal.cancel"
	signalDescript = "golang.org/x/sys/unix.Signalfd"
)

var signalLists = map[string]int{notify: 1, notifyContext: 2, ignore: 0, cancelSignal: 0}

var signals = detector{names: []string{notify, notifyContext, ignore, cancelSignal, signalDescript}, detect: detectSignals}

// detectSignals reads the lists that are given to Notify and Ignore. What is linked counts, also where no way to it
// is seen: the numbers are at least those that are handled, unless there is one that cannot be read.
func detectSignals(p *program, b *Binary) {
	b.Signals.Notify = p.linked[notify]
	var handled, ignored signalSet
	var facts []fact
	for _, u := range p.usesOf([]string{notify, notifyContext, ignore, cancelSignal}, inPackages("os/signal")) {
		set, words := p.signalsOf(u), ""
		switch {
		case u.how == inlinedInto: // what it calls is another use
			continue
		case u.name == cancelSignal && !p.ignores(u):
			continue
		case u.name == cancelSignal:
			u.name = ignore
			fallthrough
		case u.name == ignore:
			ignored.add(set)
			words = set.String()
		default:
			handled.add(set)
			words = set.String()
		}
		facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, words)})
	}
	if len(facts) == 0 {
		facts = p.linkedFact([]string{notify})
	}
	if p.linked[notify] {
		b.Signals.Handled, b.Signals.All = handled.numbers, handled.all
		b.Signals.Unknown = handled.unknown || p.notifiesUnseen()
	}
	if b.Signals.Ignored = ignored.numbers; ignored.all {
		b.Signals.Ignored = catchable()
	}
	sortFacts(facts)
	b.Signals.Evidence = evidenceOf(facts)
}

// signalsOf returns the signals that a use is given.
func (p *program) signalsOf(u use) signalSet {
	c, ok := p.tracedCall(u)
	if !ok {
		return unknownSignals
	}
	word := signalLists[u.name]
	return p.signalList(c.words[word], c.words[word+1], scope{fn: u.caller, memory: c.memory})
}

// ignores says whether a call of cancel is that of Ignore.
func (p *program) ignores(u use) bool {
	if c, ok := p.tracedCall(u); ok {
		if at, ok := c.words[3].constant(); ok {
			fn, ok := p.graph.slots.at(at)
			return ok && strings.HasSuffix(p.name(fn), ".ignoreSignal")
		}
	}
	return false
}

// notifiesUnseen says whether signals may be asked for in a way that is not looked at: through a variable that holds
// one of the functions, in a function that cannot be followed, or by a file descriptor.
func (p *program) notifiesUnseen() bool {
	if p.graph == nil || p.linked[signalDescript] {
		return true
	}
	for _, name := range []string{notify, notifyContext} {
		for _, fn := range p.bodies[name] {
			if _, held := slices.BinarySearch(p.graph.data, fn); held { // by a variable, from the start
				return true
			}
		}
	}
	return len(p.usesOf([]string{notify, notifyContext}, inPackages("os/signal"))) == 0
}

// catchable are the signals that a program can catch or ignore: all but SIGKILL and SIGSTOP.
func catchable() []int {
	var all []int
	for n := 1; n <= maxSignal; n++ {
		if n != 9 && n != 19 {
			all = append(all, n)
		}
	}
	return all
}

// String shows the signals as arguments.
func (s signalSet) String() string {
	if s.all {
		return "(): every signal"
	}
	var words []string
	for _, n := range s.numbers {
		words = append(words, SignalName(n))
	}
	if s.unknown {
		words = append(words, "...")
	}
	text := "(" + strings.Join(words, ", ") + ")"
	if s.unknown {
		text += " with signals known at run time only"
	}
	return text
}

// signalNames are the names by number of what both machines and all others but mips and sparc have alike.
// Source: signal(7).
var signalNames = strings.Fields(`HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP
	TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS`)

// SignalName returns a signal's name, such as SIGTERM for 15; the number itself if it has none.
func SignalName(number int) string {
	if number < 1 || number > len(signalNames) {
		return strconv.Itoa(number)
	}
	return "SIG" + signalNames[number-1]
}
