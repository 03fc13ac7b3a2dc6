package rules

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

var mimeTypesMissing = &audit.Rule{
	ID:       "mime-types-missing",
	Title:    "the program asks for MIME types, and the image has no table of them",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "A program that looks up the type of a file name, or serves files over HTTP, in an image without any of the tables that package mime reads: /usr/share/mime/globs2, /etc/mime.types and their kin. Extensions that are built into Go need none.",
		Why:    "A file of an unknown extension has no type; net/http guesses it from the content, which takes .woff2 or .epub for application/octet-stream. It works on the laptop, which has the table.",
		Unless: "The program serves only types that Go knows, or adds its own with mime.AddExtensionType.",
	},
	Check: checkMIMETypes,
}

// mimeTables are what package mime reads. Source: mime/type_unix.go.
var mimeTables = []string{
	"/usr/local/share/mime/globs2", "/usr/share/mime/globs2",
	"/etc/mime.types", "/etc/apache2/mime.types", "/etc/apache/mime.types", "/etc/httpd/conf/mime.types",
}

func checkMIMETypes(p *audit.Pass) {
	p.Needing(binary.TopicMIMETypes, func(prog *audit.Program, n binary.Need) {
		for _, table := range mimeTables {
			if isFile(p, table) {
				p.Judge(prog, n, true, table, nil)
				return
			}
		}
		p.Judge(prog, n, false, "", mimeTables)
		what := "files"
		if len(n.Names) > 0 {
			what = strings.Join(n.Names, ", ")
		}
		p.Report(p.BlameAbsence(mimeTables...).Of(audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s asks for the MIME type of %s, and the image has no table beside the one built into Go", prog.Path, what),
			Evidence:  append(audit.FromBinary(n.Evidence, 3), audit.Seen(audit.LevelImage, "searched %s", searchedText(mimeTables))),
			Path:      "/etc/mime.types",
			Remedy:    "Copy /etc/mime.types from a stage that has it, or call mime.AddExtensionType for what you serve",
			Fix:       bring(p, suppliedTypes),
		}))
	})
}
