package binary

import (
	"slices"
	"strings"
)

// tzdataNames are left in a program that embeds the zone database, by an import of time/tzdata or -tags timetzdata.
// Source: time/tzdata/tzdata.go, init.
var tzdataNames = []string{"time/tzdata.loadFromEmbeddedTZData", "time.registerLoadFromEmbeddedTZData"}

var tzdata = detector{names: tzdataNames, detect: func(p *program, b *Binary) { b.addFeature(p, FeatureTZData, tzdataNames) }}

// bringers are the functions that a feature's package leaves in the program, the package's own first: it is the one to
// be named.
type bringers struct {
	feature   string
	functions []string
}

// brought are the features that packages bring. crypto/x509.SetFallbackRoots is what the packages of roots call that do
// not hand out a pool.
var brought = []bringers{
	{FeatureRoots, []string{
		"golang.org/x/crypto/x509roots/fallback.init.0",
		"github.com/certifi/gocertifi.CACerts",
		"github.com/breml/rootcerts.init.0",
		"github.com/breml/rootcerts/embedded.MozillaCACertificatesPEM",
		"crypto/x509.SetFallbackRoots",
	}},
	{FeatureProcs, []string{"go.uber.org/automaxprocs.init.0", "go.uber.org/automaxprocs/maxprocs.Set"}},
	{FeatureMemory, []string{
		"github.com/KimMachineGun/automemlimit.init.0",
		"github.com/KimMachineGun/automemlimit/memlimit.Set",
		"github.com/KimMachineGun/automemlimit/memlimit.SetGoMemLimit",
		"github.com/KimMachineGun/automemlimit/memlimit.SetGoMemLimitWithEnv",
		"github.com/KimMachineGun/automemlimit/memlimit.SetGoMemLimitWithOpts",
		"github.com/KimMachineGun/automemlimit/memlimit.SetGoMemLimitWithProvider",
	}},
}

var roots = detector{names: broughtNames(), detect: detectBrought}

func broughtNames() []string {
	var names []string
	for _, b := range brought {
		names = append(names, b.functions...)
	}
	return names
}

// pools hand out the roots and leave it to the program to use them.
var pools = []string{"github.com/certifi/gocertifi.CACerts", "github.com/breml/rootcerts/embedded.MozillaCACertificatesPEM"}

func detectBrought(p *program, b *Binary) {
	for _, have := range brought {
		functions := have.functions
		if n, ok := b.Need(TopicCARoots); ok && n.Certainty != Possible { // some client does not use them
			functions = slices.DeleteFunc(slices.Clone(functions), func(name string) bool { return slices.Contains(pools, name) })
		}
		b.addFeature(p, have.feature, functions)
	}
}

// addFeature records a feature if one of the functions is linked.
func (b *Binary) addFeature(p *program, name string, functions []string) {
	facts := p.linkedFact(functions)
	if len(facts) == 0 {
		return
	}
	by := packageOf(functions[slices.IndexFunc(functions, func(f string) bool { return p.linked[f] })])
	b.Features = append(b.Features, Feature{Name: name, By: by, Evidence: evidenceOf(facts)})
}

// cryptography looks at what the toolchain wrote about the build. The section .go.fipsinfo is in every program since
// 1.24 and says nothing. Source: crypto/internal/fips140, runtime/debug.BuildSetting, internal/buildcfg.
var cryptography = detector{detect: func(_ *program, b *Binary) {
	if b.Go == nil {
		return
	}
	add := func(name, text string) {
		b.Features = append(b.Features, Feature{Name: name, Evidence: []Evidence{{Text: text}}})
	}
	module, mode := b.Go.Settings["GOFIPS140"], fipsMode(b.Go.Settings["DefaultGODEBUG"])
	switch {
	case mode == "on" || mode == "only" || mode == "debug":
		add(FeatureFIPS, "is built with fips140="+mode)
	case module != "" && module != "off" && mode == "":
		add(FeatureFIPS, "is built with GOFIPS140="+module)
	}
	const boring = "boringcrypto"
	experiments := strings.Split(b.Go.Settings["GOEXPERIMENT"], ",")
	_, inVersion, _ := strings.Cut(b.Go.Version, "X:")
	if slices.Contains(experiments, boring) || slices.Contains(strings.Split(inVersion, ","), boring) {
		add(FeatureBoring, "is built with GOEXPERIMENT="+boring)
	}
}}

// fipsMode is the last fips140 of a GODEBUG list, "" if there is none.
func fipsMode(godebug string) string {
	mode := ""
	for setting := range strings.SplitSeq(godebug, ",") {
		if value, ok := strings.CutPrefix(setting, "fips140="); ok {
			mode = value
		}
	}
	return mode
}
