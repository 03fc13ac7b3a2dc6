package binary

import "strconv"

// stub is a package that links without cgo and fails when it is used.
type stub struct {
	path    string
	only    []string // functions that only the stub has; without any, the package is one unless a real function is linked
	entry   []string // functions that lead to the failure
	real    []string // functions that only the real package has
	words   string
	drivers []string // names by which database/sql.Open gets to it
}

// knownStubs are the packages that are such stubs. Sources: mattn/go-sqlite3 static_mock.go; plugin/plugin_stubs.go.
var knownStubs = []stub{
	{
		path: "github.com/mattn/go-sqlite3", only: []string{"github.com/mattn/go-sqlite3.SQLiteDriver.Open"},
		words:   "Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub",
		drivers: []string{"sqlite3"},
	},
	{path: "plugin", entry: []string{pluginOpen}, real: pluginCalls, words: "plugin: not implemented"},
}

// sqlOpen opens a database by the name of its driver. Source: database/sql/sql.go.
const sqlOpen = "database/sql.Open"

var stubs = detector{names: stubNames(), detect: detectStubs}

func stubNames() []string {
	names := []string{sqlOpen}
	for _, s := range knownStubs {
		names = append(append(append(names, s.only...), s.entry...), s.real...)
	}
	return names
}

func detectStubs(p *program, b *Binary) {
	for _, s := range knownStubs {
		if len(p.linkedFact(append(s.only, s.entry...))) == 0 || len(p.linkedFact(s.real)) > 0 {
			continue
		}
		facts := p.stubFacts(s)
		b.Stubs = append(b.Stubs, Stub{Package: s.path, Words: s.words, Certainty: facts[0].certainty, Evidence: evidenceOf(facts)})
	}
}

// stubFacts takes opening a database by the driver's name for proof; one that calls the stub itself may be ready for
// its answer.
func (p *program) stubFacts(s stub) []fact {
	var facts []fact
	for _, u := range p.usesOf([]string{sqlOpen}, inPackages("database/sql")) {
		name, constant := p.constant(u, 0)
		for _, driver := range s.drivers {
			switch {
			case constant && name == driver:
				facts = append(facts, fact{certainty: p.when(u, Proven), evidence: p.evidence(u, "("+strconv.Quote(name)+")")})
			case !constant:
				facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, " with a driver known at run time only")})
			}
		}
	}
	for _, u := range p.usesOf(s.entry, inPackages(s.path)) {
		facts = append(facts, fact{certainty: p.when(u, Likely), evidence: p.evidence(u, "")})
	}
	if len(facts) == 0 {
		facts = p.linkedFact(append(s.only, s.entry...))
	}
	sortFacts(facts)
	return facts
}
