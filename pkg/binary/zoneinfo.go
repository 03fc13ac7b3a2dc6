package binary

import (
	"slices"
	"strconv"
)

const loadLocation = "time.LoadLocation"

var zoneinfo = detector{names: []string{loadLocation}, detect: detectZoneinfo}

// noZoneFile are the names that time.LoadLocation knows by itself. Source: time/zoneinfo.go, LoadLocation.
var noZoneFile = []string{"", "UTC", "Local"}

func detectZoneinfo(p *program, b *Binary) {
	uses := p.uses[loadLocation]
	var facts []fact
	for _, u := range uses {
		name, constant := p.constant(u, 0)
		switch {
		case !constant:
			facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a name known at run time only")})
		case !slices.Contains(noZoneFile, name):
			facts = append(facts, fact{
				certainty: p.when(u, Proven),
				names:     []string{name},
				evidence:  p.evidence(u, "("+strconv.Quote(name)+")"),
			})
		}
	}
	if len(uses) == 0 {
		facts = p.linkedFact([]string{loadLocation})
	}
	b.addNeed(TopicZoneinfo, facts)
}
