package binary

// notify is what every handler goes through: signal.NotifyContext calls it too.
const notify = "os/signal.Notify"

var signals = detector{names: []string{notify}, detect: detectSignals}

func detectSignals(p *program, b *Binary) {
	if !p.linked[notify] {
		return
	}
	b.Signals.Notify = true
	var facts []fact
	for _, u := range p.uses[notify] {
		facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact([]string{notify})
	}
	sortFacts(facts)
	b.Signals.Evidence = evidenceOf(facts)
}
