package rules

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var caRootsMissing = &audit.Rule{
	ID:       "ca-roots-missing",
	Title:    "the program verifies TLS servers, but the image has no CA roots",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "A program that dials TLS with the system's roots (not one that merely serves TLS) needs at least one certificate in a place where Go's crypto/x509 looks: SSL_CERT_FILE or six well-known bundle files, and always the files of SSL_CERT_DIR or /etc/ssl/certs and /etc/pki/tls/certs.",
		Why:    "x509.SystemCertPool gives an empty pool without an error, so the program starts and every handshake fails.",
		Unless: "The roots are mounted at run time, or the program sets its own RootCAs for every connection.",
		Messages: []string{
			"*x509: certificate signed by unknown authority*",
		},
	},
	Check: checkCARoots,
}

func checkCARoots(p *audit.Pass) {
	roots := p.Image.FS.CARoots(p.Env(), p.Identity)
	p.Needing(binary.TopicCARoots, func(prog *audit.Program, n binary.Need) {
		if f, ok := prog.Feature(binary.FeatureRoots); ok {
			p.Judge(prog, n, true, f.Name+" in "+prog.Path, nil)
			return
		}
		met := roots.Certificates > 0
		if !met && len(roots.Skipped) > 0 {
			return // a file is there that could not be looked into
		}
		p.Judge(prog, n, met, rootsBy(roots), roots.Searched)
		if met || len(roots.Unreadable) > 0 { // that is ca-roots-unreadable's
			return
		}
		f := audit.Finding{
			Certainty: n.Certainty,
			Message:   fmt.Sprintf("%s verifies TLS servers, but the image has no CA roots", prog.Path),
			Evidence:  audit.FromBinary(n.Evidence, 3),
			Path:      prog.Path,
			Words:     "tls: failed to verify certificate: x509: certificate signed by unknown authority",
			Remedy:    "Copy /etc/ssl/certs/ca-certificates.crt from a stage that has it, or import golang.org/x/crypto/x509roots/fallback",
		}
		if hidden := hiddenRoots(p); hidden != "" {
			key, value := rootsVariable(p)
			f.Message = fmt.Sprintf("%s verifies TLS servers, but %s=%s keeps it from the image's CA roots in %s", prog.Path, key, value, hidden)
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s=%s is in the image's environment; searched %s", key, value, searchedText(roots.Searched)))
			f.Remedy = fmt.Sprintf("Remove %s, or let it name %s", key, hidden)
			p.Report(envCause(p, key).Of(f))
			return
		}
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "searched %s", searchedText(roots.Searched)))
		for _, file := range roots.Searched {
			if e, ok := p.Image.FS.Entry(file); ok && e.Mode.IsRegular() {
				f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s is there and holds no certificate", file))
			}
		}
		if set, _ := p.Image.Config.Getenv("SSL_CERT_DIR"); set == "" { // else the places are not searched
			f.Fix = bring(p, suppliedRoots)
		}
		p.Report(p.BlameAbsence(roots.Searched...).Of(f))
	})
}

// rootsVariable is the variable of the environment that moves the search for roots, "" if there is none.
func rootsVariable(p *audit.Pass) (key, value string) {
	for _, key := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, _ := p.Image.Config.Getenv(key); value != "" {
			return key, value
		}
	}
	return "", ""
}

// hiddenRoots is the file with roots that the program would find without such a variable, "" if there is none.
func hiddenRoots(p *audit.Pass) string {
	if key, _ := rootsVariable(p); key == "" {
		return ""
	}
	return rootsBy(p.Image.FS.CARoots(nil, p.Identity))
}

func rootsBy(r layers.CARoots) string {
	if len(r.Files) == 0 {
		return ""
	}
	return r.Files[0].Path
}
