package binary

// userLookups read /etc/passwd or /etc/group, by themselves or through the C library. Source: os/user/lookup.go.
var userLookups = []string{
	"os/user.Lookup", "os/user.LookupId", "os/user.LookupGroup", "os/user.LookupGroupId", "os/user.(*User).GroupIds",
	"os/user.lookupUser", "os/user.lookupUserId", "os/user.lookupGroup", "os/user.lookupGroupId", "os/user.listGroups",
}

// userCurrent does so too, and without an entry makes do with $USER and $HOME.
// Source: os/user/lookup_stubs.go, current.
var userCurrent = []string{"os/user.Current", "os/user.current"}

var userDatabase = detector{names: append(userCurrent, userLookups...), detect: detectUserDatabase}

func detectUserDatabase(p *program, b *Binary) {
	var facts []fact
	for _, u := range p.usesOf(userLookups, inPackages("os/user")) {
		facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "")})
	}
	for _, u := range p.usesOf(userCurrent, inPackages("os/user")) {
		facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, ", which needs the user's entry or $USER and $HOME")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(append(userCurrent, userLookups...))
	}
	b.addNeed(TopicUserDatabase, facts)
}
