package rules

import (
	"fmt"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var caRootsExpired = &audit.Rule{
	ID:       "ca-roots-expired",
	Title:    "all CA roots of the image are past their validity",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Image | audit.Date},
	Doc: audit.Doc{
		Checks: "The roots that Go would load from the image: is any of them valid at the date of the audit? A bundle of which some have expired is normal and not reported.",
		Why:    "A private root in an image that nobody rebuilds ends on a day of its own choosing, and then every handshake fails.",
		Unless: "The roots are mounted at run time.",
		Messages: []string{
			"*x509: certificate has expired or is not yet valid*",
		},
	},
	Check: checkExpiredRoots,
}

func checkExpiredRoots(p *audit.Pass) {
	roots := p.Image.FS.CARoots(p.Env(), p.Identity)
	if len(roots.Roots) == 0 || len(roots.Skipped) > 0 {
		return
	}
	last := roots.Roots[0]
	for _, r := range roots.Roots {
		if r.NotAfter.After(last.NotAfter) {
			last = r
		}
	}
	if !last.NotAfter.Before(p.Now) {
		return
	}
	p.Report(p.BlamePath(last.File).Of(audit.Finding{
		Message: fmt.Sprintf("%s of the image %s, the last on %s", counted(len(roots.Roots), "CA root"), expired(roots.Roots), last.NotAfter.UTC().Format(time.DateOnly)),
		Evidence: []audit.Evidence{
			audit.Seen(audit.LevelImage, "%s holds %q, valid until %s", last.File, last.Subject, last.NotAfter.UTC().Format(time.DateOnly)),
			audit.Seen(audit.LevelImage, "the date of the audit is %s", p.Now.UTC().Format(time.DateOnly)),
		},
		Path:   last.File,
		Words:  "x509: certificate has expired or is not yet valid",
		Remedy: "Replace the bundle by one with roots that are valid, and rebuild the image from time to time",
	}))
}

func expired(roots []layers.CARoot) string {
	if len(roots) == 1 {
		return "has expired"
	}
	return "have all expired"
}
