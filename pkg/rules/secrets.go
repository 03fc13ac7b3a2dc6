package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/secret"
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
		switch shape := secret.InWords(value); {
		case shape != "":
			f.Certainty = certain(shape)
			f.Message = fmt.Sprintf("%s %s holds %s: %s", in.Keyword, key, article(shape), r)
		case !secret.Named(key):
			continue
		case set && secret.Placeholder(value):
			f.Certainty = audit.Possible
			f.Message = fmt.Sprintf("%s %s is a secret by its name and has a default that looks like a placeholder: %s", in.Keyword, key, r)
			f.Remedy = "Leave it out and let the service refuse to start without it: a default that everybody knows is no secret"
		case set && secret.Real(value):
			f.Message = fmt.Sprintf("%s %s is a secret by its name and has a value: %s", in.Keyword, key, r)
		case in.Keyword == "ENV" && argOf(stage, value) != "":
			f.Certainty = audit.Likely
			f.Message = fmt.Sprintf("ENV %s is a secret by its name and takes the value of ARG %s: %s", key, argOf(stage, value), r)
		case in.Keyword == "ARG" && !set && stage != nil && argUsed(stage, in):
			f.Certainty = audit.Likely
			f.Message = fmt.Sprintf("ARG %s is a secret by its name, and its value is kept in the history of the steps after it: %s", key, r)
			f.Remedy = "Pass it with RUN --mount=type=secret, which leaves no trace"
			f.Fix = argMountFix(p, stage, in, key)
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
	shape := secret.InWords(text)
	if shape == "" {
		return
	}
	r := stageReach(p, stage)
	p.Report(p.BlameLine(in).Of(audit.Finding{
		Severity:  r.severity(),
		Certainty: certain(shape),
		Message:   fmt.Sprintf("%s holds %s: %s", in.Keyword, article(shape), r),
		Evidence:  []audit.Evidence{p.At(in, "%s stands in %s", article(shape), stageName(stage))},
		Remedy:    "Pass it with RUN --mount=type=secret, and replace the secret, which is known now",
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
		r := pathReach(p, stage, in.Copy.Lands(src))
		p.Report(p.BlameLine(in).Of(audit.Finding{
			Severity: r.severity(),
			Message:  fmt.Sprintf("%s takes %s, a secret by its name: %s", in.Keyword, src, r),
			Evidence: []audit.Evidence{p.At(in, "%s is taken into %s", src, stageName(stage))},
			Remedy:   "Mount it where it is needed, RUN --mount=type=secret",
			Fix:      copyMountFix(p, stage, in),
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

// article puts a or an before the name of a shape.
func article(shape string) string {
	if strings.ContainsRune("aeioAEIO", rune(shape[0])) || strings.HasPrefix(shape, "npm") {
		return "an " + shape
	}
	return "a " + shape
}

// certain says how certain it is that a shape opens something. The ID of an AWS key opens nothing without its other
// half, and an API key of Google may be one that every program of a vendor carries.
func certain(shape string) audit.Certainty {
	if shape == secret.AWSKeyID || shape == secret.GoogleKey || shape == secret.Variable {
		return audit.Likely
	}
	return audit.Proven
}
