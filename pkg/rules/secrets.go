package rules

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var secretInBuild = &audit.Rule{
	ID:       "secret-in-build",
	Title:    "a secret is written into the Dockerfile or passed through ARG, ENV or COPY",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "ENV and ARG whose name says secret (PASSWORD, TOKEN, SECRET, PRIVATE_KEY and their kin, a _FILE suffix excepted) with a value (a placeholder such as changeme is a note), tokens of well-known shapes anywhere in an instruction, and COPY of a file that is a secret by its name. Graded by reach: in the final image it is an error, in a build stage a warning, in a stage that the target does not need a note.",
		Why:    "ENV is in the image's config and ARG in its history, for everybody who can pull it. A file removed by a later layer is still in the earlier one. A build stage is kept in the build cache, often in a shared one.",
		Unless: "The value is no secret; name it otherwise.",
	},
	Check: checkSecrets,
}

func checkSecrets(p *audit.Pass) {
	for _, arg := range p.Dockerfile.MetaArgs {
		checkSecretVars(p, nil, arg)
	}
	for _, stage := range p.Dockerfile.Stages {
		for _, in := range stage.Instructions {
			switch in.Keyword {
			case "ENV", "ARG":
				checkSecretVars(p, stage, in)
			case "COPY", "ADD":
				checkSecretCopy(p, stage, in)
				checkTokens(p, stage, in)
			case "RUN", "LABEL":
				checkTokens(p, stage, in)
			}
		}
	}
}

// secretReach says how far an instruction of a stage gets; the ARGs before the first stage (nil) stay in the build.
func secretReach(p *audit.Pass, stage *dockerfile.Stage) reach {
	if stage == nil {
		return stays
	}
	return stageReach(p, stage)
}

func checkSecretVars(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	r := secretReach(p, stage)
	for _, w := range in.Words {
		key, value, set := strings.Cut(w.Value, "=")
		f := audit.Finding{
			Severity: r.severity(),
			Evidence: []audit.Evidence{p.At(in, "%s stands in %s", key, stageName(stage))},
			Remedy:   "Pass it at build time with RUN --mount=type=secret, or at run time; and replace the secret, which is known now",
		}
		switch shape := tokenShape(value); {
		case shape != "":
			f.Message = fmt.Sprintf("%s %s holds %s: %s", in.Keyword, key, shape, r)
		case !secretName(key):
			continue
		case set && isPlaceholder(value):
			f.Certainty = audit.Possible
			f.Message = fmt.Sprintf("%s %s is a secret by its name and has a default that looks like a placeholder: %s", in.Keyword, key, r)
			f.Remedy = "Leave it out and let the service refuse to start without it: a default that everybody knows is no secret"
		case set && realValue(value):
			f.Message = fmt.Sprintf("%s %s is a secret by its name and has a value: %s", in.Keyword, key, r)
		case in.Keyword == "ENV" && argOf(stage, value) != "":
			f.Certainty = audit.Likely
			f.Message = fmt.Sprintf("ENV %s is a secret by its name and takes the value of ARG %s: %s", key, argOf(stage, value), r)
		case in.Keyword == "ARG" && !set && stage != nil && argUsed(stage, in):
			f.Certainty = audit.Likely
			f.Message = fmt.Sprintf("ARG %s is a secret by its name, and its value is kept in the history of the steps after it: %s", key, r)
			f.Remedy = "Pass it with RUN --mount=type=secret, which leaves no trace"
		default:
			continue
		}
		p.Report(p.BlameSpan(in, w.Span).Of(f))
	}
}

// argOf is the ARG of the stage that a value refers to, "" if it refers to none: $NAME or ${NAME}.
func argOf(stage *dockerfile.Stage, value string) string {
	name := strings.Trim(value, `"'${}`)
	if stage == nil || !strings.Contains(value, "$") {
		return ""
	}
	if slices.ContainsFunc(stage.Args, func(a dockerfile.EnvVar) bool { return a.Key == name }) {
		return name
	}
	return ""
}

// argUsed reports whether a RUN follows the ARG in its stage: builders write its value into that step's history.
func argUsed(stage *dockerfile.Stage, arg *dockerfile.Instruction) bool {
	return slices.ContainsFunc(stage.Instructions[arg.Index:], func(in *dockerfile.Instruction) bool { return in.Keyword == "RUN" })
}

func checkTokens(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	text := in.Text
	for _, h := range in.Heredocs {
		text += "\n" + h.Content
	}
	shape := tokenShape(text)
	if shape == "" {
		return
	}
	r := stageReach(p, stage)
	p.Report(p.BlameLine(in).Of(audit.Finding{
		Severity: r.severity(),
		Message:  fmt.Sprintf("%s holds %s: %s", in.Keyword, shape, r),
		Evidence: []audit.Evidence{p.At(in, "%s stands in %s", shape, stageName(stage))},
		Remedy:   "Pass it with RUN --mount=type=secret, and replace the secret, which is known now",
	}))
}

func checkSecretCopy(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	if in.Copy == nil || in.Copy.From != nil || in.Copy.FromImage != "" {
		return
	}
	for _, src := range in.Copy.Sources {
		base := path.Base(src)
		if !slices.Contains(secretFiles, base) && !slices.ContainsFunc(secretPaths, func(s string) bool { return strings.HasSuffix(path.Clean("/"+src), "/"+s) }) {
			continue
		}
		r := pathReach(p, stage, destination(in.Copy, src))
		p.Report(p.BlameLine(in).Of(audit.Finding{
			Severity: r.severity(),
			Message:  fmt.Sprintf("%s takes %s, a secret by its name: %s", in.Keyword, src, r),
			Evidence: []audit.Evidence{p.At(in, "%s is taken into %s", src, stageName(stage))},
			Remedy:   "Mount it where it is needed, RUN --mount=type=secret",
		}))
	}
}

func stageName(s *dockerfile.Stage) string {
	switch {
	case s == nil:
		return "the part before the first stage"
	case s.Name != "":
		return "stage " + s.Name
	}
	return fmt.Sprintf("stage %d", s.Index)
}

var (
	secretWords   = regexp.MustCompile(`(^|_)(PASSWORD|PASSWD|PASSPHRASE|PASS|SECRET|TOKEN|APIKEY|API_KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|CREDENTIALS?)$`)
	harmlessValue = regexp.MustCompile(`^(\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|true|false|yes|no|none|0|1|/.*|https?://[^@]*)$`)
	placeholder   = regexp.MustCompile(`(?i)^(<.*>|change[_-]?(me|it|this).*|replace[_-]?me.*|place[_-]?holder|your[_-].*|example|dummy|todo|x{3,}|\*{3,})$`)
)

// secretName reports whether a variable's name says that its value is a secret. A name that ends in _FILE, _PATH,
// _ALIAS or _NAME holds no secret itself, and a public key is none.
func secretName(name string) bool {
	name = strings.ToUpper(name)
	return secretWords.MatchString(name) && !strings.Contains(name, "PUBLIC")
}

// realValue reports whether a value is more than empty, a reference to another variable, a switch or a path.
func realValue(v string) bool {
	v = strings.Trim(v, `"'`)
	return v != "" && !harmlessValue.MatchString(v)
}

// isPlaceholder reports whether a value only marks where the secret goes.
func isPlaceholder(v string) bool {
	return placeholder.MatchString(strings.Trim(strings.TrimSpace(v), `"'`))
}

// tokenShapes are shapes that nothing but a secret has, with their article.
var tokenShapes = []struct {
	name string
	re   *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	{"a GitHub token", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})`)},
	{"a GitLab token", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"an AWS access key", regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"a Slack token", regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}`)},
	{"a Stripe key", regexp.MustCompile(`\b[rs]k_live_[A-Za-z0-9]{20,}`)},
	{"an npm token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"a Google API key", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}\b`)},
	{"a password in a URL", regexp.MustCompile(`\b[a-z][a-z0-9+.-]*://[^/\s:@$"']+:[^/\s:@$"'{]+@[^/\s]`)},
}

// everybodyKnows reports whether the password of a URL is a default or a placeholder: postgres://postgres:postgres@db.
func everybodyKnows(found string) bool {
	_, rest, _ := strings.Cut(found, "://")
	user, rest, ok := strings.Cut(rest, ":")
	password, _, _ := strings.Cut(rest, "@")
	return ok && (password == user || password == "password" || password == "pass" || isPlaceholder(password))
}

// tokenShape names the first well-known shape in a text, "" if there is none. AWS marks its example keys EXAMPLE.
func tokenShape(text string) string {
	for _, s := range tokenShapes {
		for _, found := range s.re.FindAllString(text, -1) {
			if !strings.Contains(found, "EXAMPLE") && !everybodyKnows(found) {
				return s.name
			}
		}
	}
	return ""
}
