package rules

import (
	"fmt"
	"path"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

var packageManagerShipped = &audit.Rule{
	ID:       "package-manager-shipped",
	Title:    "the image ships a package manager",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "Programs that install packages of a distribution: apt, dpkg, apk, dnf, yum, rpm and their kin. Whether the image has a shell is said beside it.",
		Why:    "A Go service needs none of them, and an intruder is glad of both. It is a note: a policy may forbid them.",
		Unless: "The image is a base for others, or the service starts programs of the distribution.",
	},
	Check: checkPackageManager,
}

func checkPackageManager(p *audit.Pass) {
	found := p.Image.FS.PackageManagers()
	if len(found) == 0 {
		return
	}
	var names []string
	f := audit.Finding{Path: found[0], Remedy: "Use a base image without one, such as a distroless one or scratch, if the service needs no program of the distribution"}
	for _, file := range found {
		names = append(names, path.Base(file))
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s is a program of the image", file))
	}
	if sh, err := p.Image.FS.Resolve("/bin/sh"); err == nil {
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "/bin/sh is %s", sh.Path))
	}
	f.Message = fmt.Sprintf("the image ships %s", listed(names))
	p.Report(p.BlamePath(found[0]).Of(f))
}
