package rules

import (
	"fmt"
	"slices"

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
			f := audit.Finding{
				Certainty: certainty,
				Message:   fmt.Sprintf("%s was built without the cgo that %s cannot do without", prog.Path, s.Package),
				Evidence:  ev,
				Path:      prog.Path,
				Words:     s.Words,
				Remedy:    "Build with CGO_ENABLED=1 on a base with the matching libc, or use a package that needs no cgo",
				Fix:       withCgo(p, prog),
			}
			p.Report(p.BlameBuild(prog).Of(f))
		}
	}
}

// withCgo turns cgo on where the builder has a C compiler of its own and the image the loader of the same C library: the
// golang images of Debian, and glibc. Unsafe: the image's glibc may be older than the builder's, and the resolver is
// another.
func withCgo(p *audit.Pass, prog *audit.Program) *audit.Fix {
	g := goLineOf(p, prog)
	if g == nil || p.Image == nil || p.Image.FS == nil || baseKindOf(g.in.Stage.Root()) != "golang" || g.b.Env["GOARCH"] != "" || slices.Contains(g.b.Unknown, "GOARCH") {
		return nil
	}
	for _, loader := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"} {
		if isFile(p, loader) {
			return fixOf("Build with CGO_ENABLED=1", audit.Unsafe, g.set("CGO_ENABLED", "1"))
		}
	}
	return nil
}
