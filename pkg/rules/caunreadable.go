package rules

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

var caRootsUnreadable = &audit.Rule{
	ID:       "ca-roots-unreadable",
	Title:    "the program verifies TLS servers, but its user may not read the image's CA roots",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "A program that dials TLS with the system's roots, an image that has files of roots, and a run-time user who may read none of them: the mode of the file, and of every directory above it.",
		Why:    "A bundle that was made by root with a umask of 077 is there for everybody who looks as root, and not for the service.",
		Unless: "The roots are mounted at run time, or the program sets its own RootCAs for every connection.",
		Messages: []string{
			"*x509: failed to load system roots and no roots provided*",
		},
	},
	Check: checkUnreadableRoots,
}

func checkUnreadableRoots(p *audit.Pass) {
	roots := p.Image.FS.CARoots(p.Env(), p.Identity)
	if roots.Certificates > 0 || len(roots.Unreadable) == 0 || len(roots.Skipped) > 0 {
		return
	}
	path := roots.Unreadable[0]
	p.Needing(binary.TopicCARoots, func(prog *audit.Program, n binary.Need) {
		if _, ok := prog.Feature(binary.FeatureRoots); ok {
			return
		}
		cause := p.BlamePath(path)
		p.Report(cause.Of(audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s verifies TLS servers, but uid %d may not read %s", prog.Path, p.Identity.UID, path),
			Evidence: append(audit.FromBinary(n.Evidence, 3),
				audit.Seen(audit.LevelImage, "%s exists and is not readable for uid %d", path, p.Identity.UID)),
			Path:   prog.Path,
			Words:  fmt.Sprintf("x509: failed to load system roots and no roots provided; open %s: permission denied", path),
			Remedy: "Give the file mode 0644 and its directories mode 0755",
			Fix:    modeFix(p, cause, path, "0644"),
		}))
	})
}
