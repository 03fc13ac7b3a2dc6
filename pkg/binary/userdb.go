package binary

import (
	"slices"
	"strconv"
)

// userLookups read /etc/passwd or /etc/group, by themselves or through the C library. Source: os/user/lookup.go.
var userLookups = []string{"os/user.Lookup", "os/user.LookupId", "os/user.lookupUser", "os/user.lookupUserId"}

var groupLookups = []string{
	"os/user.LookupGroup", "os/user.LookupGroupId", "os/user.lookupGroup", "os/user.lookupGroupId", "os/user.(*User).GroupIds",
	"os/user.listGroups",
}

// userCurrent does so too, and without an entry makes do with $USER and $HOME.
// Source: os/user/lookup_stubs.go, current.
var userCurrent = []string{"os/user.Current", "os/user.current"}

// tarStat asks for the names of a file's owner and does without. Source: archive/tar/stat_unix.go.
const tarStat = "archive/tar"

// readHome reads $HOME. Source: os/file.go, UserHomeDir.
const readHome = "os.UserHomeDir"

var userDatabase = detector{names: slices.Concat(userCurrent, userLookups, groupLookups, []string{readHome}), detect: detectUserDatabase}

// detectUserDatabase takes the lookup of a constant name for proof. One that is known at run time only may never be
// asked for.
func detectUserDatabase(p *program, b *Binary) {
	var facts []fact
	for _, u := range p.usesOf(userLookups, inPackages("os/user")) {
		facts = append(facts, p.userFact(u, ""))
	}
	for _, u := range p.usesOf(groupLookups, inPackages("os/user")) {
		facts = append(facts, p.userFact(u, ":"))
	}
	for _, u := range p.usesOf(userCurrent, inPackages("os/user")) {
		certainty, words := Likely, ", which needs the user's entry or $USER and $HOME"
		if p.readsHome(u.caller) {
			certainty, words = Possible, ", and looks at $HOME too"
		}
		facts = append(facts, fact{certainty: p.when(u, certainty), evidence: p.evidence(u, words)})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(slices.Concat(userCurrent, userLookups, groupLookups))
	}
	b.addNeed(TopicUserDatabase, facts)
}

// readsHome says whether a function looks at $HOME, which every run-time sets: who the user is matters only without.
func (p *program) readsHome(fn int32) bool {
	reads := func(u use) bool {
		if u.caller != fn || u.how != called {
			return false
		}
		name, ok := p.constant(u, 0)
		return u.name == readHome || ok && name == "HOME"
	}
	return slices.ContainsFunc(p.uses[readHome], reads) || slices.ContainsFunc(p.uses["os.Getenv"], reads)
}

// userFact judges a lookup; a group's name has a mark in front.
func (p *program) userFact(u use, mark string) fact {
	if packageOf(p.name(u.caller)) == tarStat {
		return fact{certainty: Possible, evidence: p.evidence(u, ", and does without")}
	}
	name, constant := p.constant(u, 0)
	if !constant || name == "" {
		return fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a name known at run time only")}
	}
	return fact{p.when(u, Proven), []string{mark + name}, p.evidence(u, "("+strconv.Quote(name)+")")}
}
