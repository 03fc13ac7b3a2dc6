package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/internal/secret"
	"github.com/imgaudit/imgaudit/pkg/audit"
)

var secretInConfig = &audit.Rule{
	ID:       "secret-in-config",
	Title:    "the image's config or history holds a secret",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.ImageConfig},
	Doc: audit.Doc{
		Checks: "Environment, labels, commands and history of the image: tokens of well-known shapes, passwords in URLs, and variables that are a secret by their name and have a value. Build arguments are in the history of every RUN after them, by value. A _FILE suffix, an empty value, a path, a placeholder and a reference to another variable are fine. What the text of the Dockerfile alone shows is left to secret-in-build.",
		Why:    "Config and history are a few kilobytes that a registry gives to everybody who can pull the image; docker inspect and docker history print them.",
		Unless: "The value is no secret; name it otherwise.",
	},
	Check: checkConfigSecrets,
}

func checkConfigSecrets(p *audit.Pass) {
	c := p.Image.Config
	for _, kv := range c.Env {
		key, value, _ := strings.Cut(kv, "=")
		if shape := variableShape(key, value); shape != "" && !textSays(p, key, value) {
			reportConfigSecret(p, envCause(p, key), fmt.Sprintf("%s in the image's environment holds %s", key, shape), shape, "%s is in the config", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.Labels)) {
		if shape := secret.InWords(c.Labels[key]); shape != "" && !labelSays(p, c.Labels[key]) {
			reportConfigSecret(p, p.BlameSetting(nil, "the label"), fmt.Sprintf("label %s of the image holds %s", key, article(shape)), shape, "the label is in the config")
		}
	}
	for _, words := range [][]string{c.Entrypoint, c.Cmd, c.Healthcheck} {
		if shape := secret.InWords(strings.Join(words, " ")); shape != "" {
			reportConfigSecret(p, p.BlameSetting(nil, "the command"), fmt.Sprintf("a command of the image's config holds %s", article(shape)), shape, "the command is in the config")
		}
	}
	checkHistory(p)
}

// variableShape says what secret a variable is, with its article; "" if it is none.
func variableShape(key, value string) string {
	if shape := secret.InWords(value); shape != "" {
		return article(shape)
	}
	if secret.Named(key) && secret.Real(value) && !secret.Placeholder(value) {
		return "a value that is a secret by its name"
	}
	return ""
}

// checkHistory looks at the steps: the values of build arguments and variables, and what the commands say.
func checkHistory(p *audit.Pass) {
	told := map[string]bool{}
	for i, step := range p.Image.History {
		set, rest := historyVars(step.CreatedBy)
		for _, v := range set {
			shape := variableShape(v.key, v.value)
			if shape == "" || told[v.key] || textSays(p, v.key, v.value) || slices.Contains(p.Image.Config.Env, v.key+"="+v.value) {
				continue
			}
			told[v.key] = true
			reportConfigSecret(p, p.BlameStep(i), fmt.Sprintf("%s %s in the image's history holds %s", v.kind, v.key, shape), shape, "step %d of the history has the value of %s", i+1, v.key)
		}
		shape := secret.InWords(rest)
		if shape == "" {
			continue
		}
		if cause := p.BlameStep(i); cause.By == nil || secret.InWords(cause.By.Text) == "" { // else the Dockerfile shows it
			reportConfigSecret(p, cause, fmt.Sprintf("step %d of the image's history holds %s", i+1, article(shape)), shape, "the step's command has it")
		}
	}
}

// historyVar is a variable in a step of the history.
type historyVar struct{ kind, key, value string }

var assigned = lazyregexp.New(`^([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)

// historyVars are the variables that a step sets or sees, and the rest of the step. Source: BuildKit and Docker's first builder write
// "|2 A=1 B=2 /bin/sh -c ..." before the command of a RUN, and "ARG A=1", "ENV A=1 B=2", the latter behind "#(nop)".
func historyVars(createdBy string) (set []historyVar, rest string) {
	if _, after, nop := strings.Cut(createdBy, "#(nop) "); nop {
		createdBy = after
	}
	words := strings.Fields(createdBy)
	if len(words) > 0 && words[0] == "RUN" {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil, ""
	}
	kind, n := "build argument", len(words)-1
	switch first := words[0]; {
	case first == "ENV":
		kind = "variable"
	case first == "ARG":
	case strings.HasPrefix(first, "|"):
		var err error
		if n, err = strconv.Atoi(first[1:]); err != nil || n < 0 || n >= len(words) {
			return nil, createdBy
		}
	default:
		return nil, createdBy
	}
	for _, w := range words[1 : n+1] {
		if m := assigned.FindStringSubmatch(w); m != nil {
			set = append(set, historyVar{kind, m[1], m[2]})
		}
	}
	return set, strings.Join(words[n+1:], " ")
}

// textSays reports whether the Dockerfile alone shows the value of a variable, so that secret-in-build reports it.
func textSays(p *audit.Pass, key, value string) bool {
	if fits, _ := p.DockerfileFits(); !fits {
		return false
	}
	for s := p.Dockerfile.Final(); s != nil; s = s.Parent {
		for _, v := range slices.Concat(s.Env, s.Args) {
			if v.Key == key && v.Known && v.Value == value && v.By != nil {
				return true
			}
		}
	}
	return false
}

// labelSays reports whether a LABEL of the Dockerfile has the value in its text.
func labelSays(p *audit.Pass, value string) bool {
	if fits, _ := p.DockerfileFits(); !fits {
		return false
	}
	for s := p.Dockerfile.Final(); s != nil; s = s.Parent {
		for _, in := range s.Instructions {
			if in.Keyword == "LABEL" && strings.Contains(in.Text, value) {
				return true
			}
		}
	}
	return false
}

func reportConfigSecret(p *audit.Pass, cause audit.Cause, message, shape, seen string, args ...any) {
	p.Report(cause.Of(audit.Finding{
		Certainty: certain(strings.TrimPrefix(strings.TrimPrefix(shape, "an "), "a ")),
		Message:   message,
		Evidence:  []audit.Evidence{audit.Seen(audit.LevelImage, seen, args...)},
		Remedy:    "Replace the secret, which is known now; give it to the build with RUN --mount=type=secret, to the service when it starts",
	}))
}
