package binary

import (
	"cmp"
	"maps"
	"slices"
)

// maxEvidence is how many lines of evidence a need has.
const maxEvidence = 8

// detector finds out about one topic.
type detector struct {
	names  []string // the functions whose uses it looks at
	detect func(p *program, b *Binary)
}

// detectors in the order of the topics.
var detectors = []detector{
	staticGlibc, caRoots, zoneinfo, localTime, tempDir, userDatabase, execs, resolver, plugins, mimeTypes, openedFiles, variables,
	signals, server, profiling, children, tzdata, roots, cryptography, stubs, goroot,
}

// wantedNames are the names of all detectors.
func wantedNames() map[string]bool {
	all := map[string]bool{mainName: true, runtimeName: true}
	maps.Copy(all, starters)
	for _, name := range valueNames() {
		all[name] = true
	}
	for _, d := range detectors {
		for _, name := range d.names {
			all[name] = true
		}
	}
	return all
}

// detect fills in what the Go part says.
func (p *program) detect(b *Binary) {
	for _, d := range detectors {
		d.detect(p, b)
	}
}

// fact is one observation about a topic.
type fact struct {
	certainty Certainty
	names     []string
	evidence  Evidence
}

// rank orders certainties, the strongest first.
func (c Certainty) rank() int { return slices.Index([]Certainty{Proven, Likely, Possible}, c) }

// sortFacts puts the strongest first, then the shortest way from main.
func sortFacts(facts []fact) {
	slices.SortStableFunc(facts, func(a, b fact) int {
		return cmp.Or(
			cmp.Compare(a.certainty.rank(), b.certainty.rank()),
			cmp.Compare(len(a.evidence.Path), len(b.evidence.Path)),
			cmp.Compare(a.evidence.Text, b.evidence.Text),
			slices.Compare(a.evidence.Path, b.evidence.Path),
			cmp.Compare(a.evidence.Offset, b.evidence.Offset))
	})
}

// addNeed makes a need of the facts, if there are any. Its names are those of the strongest facts only: a weaker fact
// must not borrow their certainty.
func (b *Binary) addNeed(topic Topic, facts []fact) {
	if len(facts) == 0 {
		return
	}
	sortFacts(facts)
	n := Need{Topic: topic, Certainty: facts[0].certainty, Evidence: evidenceOf(facts)}
	for _, f := range facts {
		if f.certainty == n.Certainty {
			n.Names = append(n.Names, f.names...)
		}
	}
	slices.Sort(n.Names)
	n.Names = slices.Compact(n.Names)
	b.Needs = append(b.Needs, n)
}

// evidenceOf returns the evidence of the first facts, without repetitions.
func evidenceOf(facts []fact) []Evidence {
	var all []Evidence
	for _, f := range facts {
		same := func(e Evidence) bool { return e.Text == f.evidence.Text && slices.Equal(e.Path, f.evidence.Path) }
		if len(all) < maxEvidence && !slices.ContainsFunc(all, same) {
			all = append(all, f.evidence)
		}
	}
	return all
}

// evidence describes a use. What follows the function's name, such as its arguments, is given.
func (p *program) evidence(u use, arguments string) Evidence {
	e := Evidence{Text: u.how.String() + " " + u.name + arguments}
	if path := p.shownPath(u.caller); path != nil {
		for _, fn := range path {
			e.Path = append(e.Path, p.name(fn))
		}
		e.Path = append(e.Path, u.name)
		if p.reach.weak[u.caller] {
			e.Text += ", by way of an interface or a variable"
		} else if p.sure.doubted[u] {
			e.Text += undecided
		}
	} else {
		e.Text = p.name(u.caller) + " " + e.Text
	}
	at := u.at
	if at == 0 {
		at = p.fns.entry[u.caller]
	}
	e.Offset = p.m.fileOffset(p.mod.text + uint64(at))
	return e
}

// usesOf returns the uses of functions, without those in packages to skip. A function that was inlined where another
// of them is called is a wrapper of that one and left out.
func (p *program) usesOf(names []string, skip func(pkg string) bool) []use {
	direct := map[int32]bool{}
	var all []use
	for _, name := range names {
		for _, u := range p.uses[name] {
			if !skip(packageOf(p.name(u.caller))) {
				all = append(all, u)
				direct[u.caller] = direct[u.caller] || u.how == called
			}
		}
	}
	return slices.DeleteFunc(all, func(u use) bool { return u.how == inlinedInto && direct[u.caller] })
}

// inPackages returns a test for some packages.
func inPackages(paths ...string) func(string) bool {
	return func(pkg string) bool { return slices.Contains(paths, pkg) }
}

// linkedFact is what remains when a function is linked but nothing is seen to call it: through an interface or
// reflection it still may run.
func (p *program) linkedFact(names []string) []fact {
	for _, name := range names {
		if p.linked[name] {
			return []fact{{certainty: Possible, evidence: Evidence{Text: "links " + name}}}
		}
	}
	return nil
}

// constant returns the string that words i and i+1 of the arguments hold in a use, if it is a constant.
func (p *program) constant(u use, i int) (string, bool) {
	c, ok := p.callAt(u)
	if !ok {
		return "", false
	}
	return c.text(p, i)
}

// callAt returns what is known at a call; false for other uses.
func (p *program) callAt(u use) (*callState, bool) {
	if u.how != called {
		return nil, false
	}
	if p.isLazy(u.caller) {
		return p.callOnLine(u.caller, u.at)
	}
	states := p.callsIn(u.caller)
	i, ok := slices.BinarySearchFunc(states, u.at, func(c callState, at uint32) int { return cmp.Compare(c.at, at) })
	if !ok {
		return nil, false
	}
	return &states[i], true
}

// callsIn returns the direct calls of a function; each is decoded once.
func (p *program) callsIn(fn int32) []callState {
	states, ok := p.states[fn]
	if !ok {
		states = p.callStates(fn)
		p.states[fn] = states
	}
	return states
}

// undecided ends the evidence of a use whose way is not sure.
const undecided = ", where a condition decides"

// when returns certainty if a use is reached from main or an initialisation, at most Likely if the way there has a
// weak step or may not be taken, and Possible if there is none.
func (p *program) when(u use, certainty Certainty) Certainty {
	switch {
	case !p.reach.reached(u.caller):
		return Possible
	case certainty != Proven:
		return certainty
	case p.reach.weak[u.caller] || !p.surely(u):
		return Likely
	}
	return Proven
}
