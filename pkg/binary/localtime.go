package binary

// initLocal reads $TZ and /etc/localtime once, when a local time is first looked at. Almost every program links it,
// because logging and printing a time.Time can get there.
const initLocal = "time.initLocal"

// localTimes are the functions whose result depends on the zone of a time, which is the local one unless told
// otherwise.
var localTimes = []string{"time.Time.Format", "time.Time.AppendFormat", "time.Time.String", "time.Time.Local"}

// utc makes a time independent of it.
const utc = "time.Time.UTC"

var localTime = detector{names: append([]string{initLocal, utc}, localTimes...), detect: detectLocalTime}

// detectLocalTime looks at the program's own code only. A function that also asks for UTC is taken to format that.
func detectLocalTime(p *program, b *Binary) {
	if !p.linked[initLocal] {
		return
	}
	inUTC := map[int32]bool{}
	for _, u := range p.uses[utc] {
		inUTC[u.caller] = true
	}
	var facts []fact
	for _, u := range p.usesOf(localTimes, isStandard) {
		if !inUTC[u.caller] && p.reach.reached(u.caller) {
			facts = append(facts, fact{certainty: Likely, evidence: p.evidence(u, "")})
		}
	}
	if len(facts) == 0 {
		facts = p.linkedFact([]string{initLocal})
	}
	b.addNeed(TopicLocalTime, facts)
}
