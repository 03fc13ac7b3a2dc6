package rules

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

var cgoStubLinked = &audit.Rule{
	ID:       "cgo-stub-linked",
	Title:    "a package that needs cgo was built without it, and only says so when it is used",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.GoBinary},
	Doc: audit.Doc{
		Checks: "Packages that compile without cgo into a stub which fails at every use: mattn/go-sqlite3 and plugin. Opening a database with the driver's constant name is proof that it is used.",
		Why:    "The build succeeds and the program starts; the first query fails.",
		Unless: "The program does without the package when it fails.",
		Messages: []string{
			"*go-sqlite3 requires cgo to work. This is a stub*",
			"*plugin: not implemented*",
		},
	},
	Check: checkStubs,
}

func checkStubs(p *audit.Pass) {
	for _, prog := range p.Programs {
		if prog.Toolchain {
			continue
		}
		for _, s := range prog.Stubs {
			certainty := s.Certainty
			if !prog.Entry {
				certainty = audit.Possible
			}
			ev := audit.FromBinary(s.Evidence, 3)
			if prog.Go != nil && prog.Go.Settings["CGO_ENABLED"] == "0" {
				ev = append(ev, audit.Seen(audit.LevelBinary, "%s was built with CGO_ENABLED=0", prog.Path))
			}
			p.Report(p.BlameBuild(prog).Of(audit.Finding{
				Certainty: certainty,
				Message:   fmt.Sprintf("%s was built without the cgo that %s cannot do without", prog.Path, s.Package),
				Evidence:  ev,
				Path:      prog.Path,
				Words:     s.Words,
				Remedy:    "Build with CGO_ENABLED=1 on a base with the matching libc, or use a package that needs no cgo",
			}))
		}
	}
}
