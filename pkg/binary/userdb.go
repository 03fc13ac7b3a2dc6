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

var userDatabase = detector{names: slices.Concat(userCurrent, userLookups, groupLookups), detect: detectUserDatabase}

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
		facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, ", which needs the user's entry or $USER and $HOME")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(slices.Concat(userCurrent, userLookups, groupLookups))
	}
	b.addNeed(TopicUserDatabase, facts)
}

// userFact judges a lookup; a group's name has a mark in front.
func (p *program) userFact(u use, mark string) fact {
	name, constant := p.constant(u, 0)
	if !constant || name == "" {
		return fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a name known at run time only")}
	}
	return fact{p.when(u, Proven), []string{mark + name}, p.evidence(u, "("+strconv.Quote(name)+")")}
}
