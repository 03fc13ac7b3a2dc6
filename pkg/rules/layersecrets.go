package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/secret"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var secretInLayer = &audit.Rule{
	ID:       "secret-in-layer",
	Title:    "a layer of the image holds a secret",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "Every file of every layer, also those that a later layer deletes or overwrites, for what is nothing but a secret: private keys that can be read without a password (PEM, OpenSSH, PuTTY, age, service accounts), tokens with a checksum or a fixed shape (GitHub, GitLab, npm, PyPI, Docker Hub, Slack, Stripe, DigitalOcean, Vault and their kin), AWS keys with their secret, and credentials in the files that programs keep them in (.netrc, .npmrc, .docker/config.json, .git-credentials, .git/config, .pypirc, .pgpass, .my.cnf, kubeconfig, .aws/credentials). A variable in .env that is a secret by its name and an API key of Google are warnings. Nothing is guessed by entropy, and no value is ever printed. Go programs are searched too, as the container has them. Not searched: other ELF files, what is compressed inside a file, the Go distribution, the module cache, and directories of tests, examples and documentation, whose keys are public.",
		Why:    "Whoever can pull the image can read every layer of it. A later RUN rm hides the file from the container and from nobody else.",
		Unless: "It is a key for tests that opens nothing: keep it in a directory named testdata.",
	},
	Check: checkLayerSecrets,
}

func checkLayerSecrets(p *audit.Pass) {
	all := slices.DeleteFunc(p.Image.FS.Secrets(), func(s layers.Secret) bool { return isPublic(s.Path) || s.Shape == secret.AWSKeyID })
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Path == all[0].Path && all[n].Layer == all[0].Layer {
			n++
		}
		reportLayerSecret(p, all[:n])
		all = all[n:]
	}
	for _, prog := range p.Programs {
		if len(prog.Secrets) > 0 && !prog.Toolchain {
			reportProgramSecret(p, prog)
		}
	}
	for _, layer := range p.Image.FS.SecretsCut() {
		p.Report(p.BlameLayer(layer).Of(audit.Finding{
			Message:  fmt.Sprintf("layer %d holds more secrets than are looked at", layer),
			Evidence: []audit.Evidence{audit.Seen(audit.LevelImage, "the search of layer %d ended before its last file", layer)},
			Remedy:   "Find out what that layer is, and leave it out",
		}))
	}
}

// reportLayerSecret reports the secrets of one file.
func reportLayerSecret(p *audit.Pass, found []layers.Secret) {
	s := found[0]
	f := audit.Finding{
		Path:      s.Path,
		Certainty: certain(s.Shape),
		Message:   fmt.Sprintf("%s holds %s, in layer %d", s.Path, article(s.Shape), s.Layer),
		Evidence:  []audit.Evidence{audit.Seen(audit.LevelImage, "%s begins at byte %d of %s", article(s.Shape), s.Offset, s.Path)},
		Remedy:    "Replace the secret, which is known now; give it to the build with RUN --mount=type=secret, to the service when it starts",
	}
	if len(found) > 1 {
		f.Message = fmt.Sprintf("%s holds %s and %s, in layer %d", s.Path, article(s.Shape), counted(len(found)-1, "more secret"), s.Layer)
	}
	cause := p.BlameIn(s.Layer, s.Path)
	if s.Hidden >= 0 && s.Hidden != s.Layer {
		f.Message += fmt.Sprintf("; layer %d takes the file away, and it is still in layer %d", s.Hidden, s.Layer)
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s is not in the container: layer %d%s deletes or overwrites it", s.Path, s.Hidden, lineOf(p.BlameLayer(s.Hidden))))
		f.Remedy = "Replace the secret, which is known now; give it to the build with RUN --mount=type=secret: deleting it later leaves it in the image"
	}
	p.Report(cause.Of(f))
}

// reportProgramSecret reports the secrets that are built into a program.
func reportProgramSecret(p *audit.Pass, prog *audit.Program) {
	s := prog.Secrets[0]
	f := audit.Finding{
		Path:      prog.Path,
		Certainty: certain(s.Shape),
		Message:   fmt.Sprintf("%s has %s built in", prog.Path, article(s.Shape)),
		Remedy:    "Replace the secret, which is known now; let the program read it from a file or its environment when it starts",
	}
	if s.Shape == secret.AWSKey { // its other half may be anywhere in the data, or nowhere
		f.Certainty = audit.Likely
	}
	for _, s := range prog.Secrets {
		f.Evidence = append(f.Evidence, audit.Evidence{Level: audit.LevelBinary, Text: article(s.Shape) + " is in the data of the program", Offset: s.Offset})
	}
	if n := len(prog.Secrets) - 1; n > 0 {
		f.Message = fmt.Sprintf("%s has %s and %s built in", prog.Path, article(s.Shape), counted(n, "more secret"))
	}
	p.Report(p.BlameBuild(prog).Of(f))
}

// lineOf is " (line 7)", "" if the line is not known.
func lineOf(c audit.Cause) string {
	if c.Location == nil {
		return ""
	}
	return fmt.Sprintf(" (line %d)", c.Location.Line)
}

// isPublic reports whether a file belongs to what everybody can download, or to tests: keys there are public.
func isPublic(name string) bool {
	if strings.HasPrefix(name, "/usr/local/go/") || strings.HasPrefix(name, "/usr/share/doc/") || strings.HasPrefix(name, "/usr/lib/go") ||
		strings.Contains(name, "/pkg/mod/") || strings.HasSuffix(name, "/src/crypto/x509/platform_root_key.pem") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "/usr/lib/") && path.Ext(name) == ".a" {
		return true
	}
	return slices.ContainsFunc(strings.Split(path.Dir(name), "/"), func(dir string) bool {
		return slices.Contains([]string{"testdata", "test", "tests", "test_data", "examples"}, dir)
	})
}
