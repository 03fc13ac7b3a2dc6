package binary

// tzdataNames are left in a program that embeds the zone database, by an import of time/tzdata or -tags timetzdata.
// Source: time/tzdata/tzdata.go, init.
var tzdataNames = []string{"time/tzdata.loadFromEmbeddedTZData", "time.registerLoadFromEmbeddedTZData"}

var tzdata = detector{names: tzdataNames, detect: func(p *program, b *Binary) { b.addFeature(p, FeatureTZData, tzdataNames) }}

// rootsNames are left in a program that brings its own certificate roots. crypto/x509.SetFallbackRoots is called by
// golang.org/x/crypto/x509roots/fallback; the others are packages that do the same or hand out a pool.
var rootsNames = []string{
	"crypto/x509.SetFallbackRoots",
	"github.com/certifi/gocertifi.CACerts",
	"github.com/breml/rootcerts.init.0",
	"github.com/breml/rootcerts/embedded.MozillaCACertificatesPEM",
}

var roots = detector{names: rootsNames, detect: func(p *program, b *Binary) { b.addFeature(p, FeatureRoots, rootsNames) }}

// addFeature records a feature if one of the functions is linked.
func (b *Binary) addFeature(p *program, name string, functions []string) {
	if facts := p.linkedFact(functions); len(facts) > 0 {
		b.Features = append(b.Features, Feature{Name: name, Evidence: evidenceOf(facts)})
	}
}
