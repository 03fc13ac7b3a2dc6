package binary

import "slices"

// initLocal reads $TZ and /etc/localtime once, when a local time is first looked at. Almost every program links it,
// because logging and printing a time.Time can get there.
const initLocal = "time.initLocal"

// localTimes are the functions whose result depends on the zone of a time, which is the local one unless told
// otherwise.
var localTimes = []string{"time.Time.Format", "time.Time.AppendFormat", "time.Time.String", "time.Time.Local"}

// logPrints write the local time before each line, unless log.SetFlags says otherwise. Source: log/log.go, LstdFlags.
var logPrints = []string{"log.Print", "log.Printf", "log.Println"}

// logFlags changes that; log.SetFlags inlines it, and so does log.New.
var logFlags = []string{"log.(*Logger).SetFlags", "log.New"}

// otherZones give a time another zone than the local one.
var otherZones = []string{"time.Time.UTC", "time.Time.In"}

const now = "time.Now"

var localTime = detector{
	names:  slices.Concat([]string{initLocal, now}, logFlags, localTimes, logPrints, otherZones),
	detect: detectLocalTime,
}

// detectLocalTime looks at the program's own code only. Showing a time is likely to show the local one; it is proven
// where the same function takes the time from time.Now and sets no other zone, and where package log prints it. A
// function that also asks for UTC is taken to show that.
func detectLocalTime(p *program, b *Binary) {
	if !p.linked[initLocal] {
		return
	}
	takesNow, setsZone := p.callersOf(now), p.callersOf(otherZones...)
	inUTC := p.callersOf(otherZones[0])
	var facts []fact
	for _, u := range p.usesOf(localTimes, isStandard) {
		if inUTC[u.caller] || !p.reach.reached(u.caller) {
			continue
		}
		certainty := Likely
		if takesNow[u.caller] && !setsZone[u.caller] {
			certainty = Proven
		}
		facts = append(facts, fact{certainty: p.when(u, certainty), evidence: p.evidence(u, "")})
	}
	ownFlags := len(p.usesOf(logFlags, isStandard)) > 0
	for _, u := range p.usesOf(logPrints, isStandard) {
		if p.reach.reached(u.caller) && !ownFlags {
			facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, ", which prints the local time")})
		}
	}
	if len(facts) == 0 {
		facts = p.linkedFact([]string{initLocal})
	}
	b.addNeed(TopicLocalTime, facts)
}

// callersOf returns the functions that use one of some others.
func (p *program) callersOf(names ...string) map[int32]bool {
	callers := map[int32]bool{}
	for _, name := range names {
		for _, u := range p.uses[name] {
			callers[u.caller] = true
		}
	}
	return callers
}
