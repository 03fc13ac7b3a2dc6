package rules

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

var obsoleteDefaults = &audit.Rule{
	ID:       "obsolete-defaults",
	Title:    "an old go line keeps insecure defaults alive",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.GoBinary},
	Doc: audit.Doc{
		Checks: "DefaultGODEBUG in the build information of the program that is started: the settings that bring back behaviour which later Go releases gave up for security. They come from the go line of the main module's go.mod (or a //go:debug line), not from the toolchain. Settings that concern other things are not listed.",
		Why:    "A new toolchain with an old go line still accepts what was found to be unsafe: TLS 1.0 clients, RSA key exchange, SHA-1 signatures, 512 bit keys, any number of cookies.",
		Unless: "A peer needs the old behaviour: then ask for it by //go:debug, which says so.",
	},
	Check: checkDefaults,
}

// obsolete are settings with the value that is unsafe and what it means, and the go line that ends it. Sources:
// internal/godebugs/table.go and doc/godebug.md of Go 1.26.
var obsolete = []struct {
	setting, means string
	minor          int // of the first Go release with the safe default
}{
	{"tls10server=1", "servers accept TLS 1.0 and 1.1", 22},
	{"tlsrsakex=1", "TLS without forward secrecy (RSA key exchange)", 22},
	{"tlsunsafeekm=1", "TLS exports keying material without extended master secret", 22},
	{"httplaxcontentlength=1", "HTTP accepts an empty Content-Length", 22},
	{"tls3des=1", "TLS with 3DES", 23},
	{"x509negativeserial=1", "certificates with negative serial numbers", 23},
	{"rsa1024min=0", "RSA keys below 1024 bits", 24},
	{"tlsmlkem=0", "TLS without post-quantum key exchange", 24},
	{"httpcookiemaxnum=0", "requests with any number of cookies", 24},
	{"urlmaxqueryparams=0", "queries with any number of parameters", 24},
	{"tlssha1=1", "SHA-1 signatures in TLS 1.2", 25},
}

func checkDefaults(p *audit.Pass) {
	prog := entryGo(p)
	if prog == nil {
		return
	}
	have := prog.Go.GODEBUG()
	var found []audit.Evidence
	var names []string
	newest := 0
	for _, o := range obsolete {
		name, value, _ := strings.Cut(o.setting, "=")
		if have[name] == value {
			names = append(names, o.setting)
			found = append(found, audit.Seen(audit.LevelBinary, "%s: %s", o.setting, o.means))
			newest = max(newest, o.minor)
		}
	}
	if len(names) == 0 {
		return
	}
	cause, _ := buildLine(p, prog)
	p.Report(cause.Of(audit.Finding{
		Certainty: audit.Possible, // whether the program uses what they concern is not known
		Message:   fmt.Sprintf("the go line of %s keeps %s alive: %s", orProgram(prog.Go.Main.Path, prog.Path), counted(len(names), "insecure default"), strings.Join(names, ", ")),
		Evidence:  found,
		Remedy:    fmt.Sprintf("Raise the go line of go.mod to 1.%d or later", newest),
	}))
}

// orProgram names the module, or the program if the module is not known.
func orProgram(module, program string) string {
	if module == "" {
		return program
	}
	return module
}
