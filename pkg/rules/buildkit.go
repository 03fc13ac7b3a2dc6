package rules

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// buildkitCheck is one of BuildKit's own checks (docker build --check). What it finds and says is BuildKit's; how bad
// that is, and what to do, is said here.
type buildkitCheck struct {
	name     string
	title    string
	severity audit.Severity
	sees     audit.Part // beside the Dockerfile
	checks   string
	why      string
	unless   string
	message  string   // BuildKit's, "*" for any text
	yields   []string // our rules that say the same, and more
	remedy   string
	fix      func(*audit.Pass, dockerfile.Warning) *audit.Fix // nil if there is none
}

// buildkitRules are the rules buildkit/NAME.
func buildkitRules() []*audit.Rule {
	var list []*audit.Rule
	for _, group := range [][]buildkitCheck{buildkitNames, buildkitVariables, buildkitCommands} {
		for _, c := range group {
			list = append(list, c.rule())
		}
	}
	return list
}

func (c buildkitCheck) rule() *audit.Rule {
	return &audit.Rule{
		ID:       "buildkit/" + c.name,
		Title:    c.title,
		Severity: c.severity,
		Sees:     audit.Sees{All: audit.Dockerfile | c.sees},
		Doc: audit.Doc{
			Checks:   c.checks + " This is BuildKit's own check of that name, in BuildKit's words. " + c.directive() + " With check=error=true at the top it ends the build, and is an error.",
			Why:      c.why,
			Unless:   c.unless,
			Messages: []string{c.message},
		},
		Check:  c.check,
		Yields: c.yields,
	}
}

// wholeFile are the checks that BuildKit makes without a look at the comment above the instruction.
var wholeFile = []string{
	"ConsistentInstructionCasing", "DuplicateStageName", "InvalidBaseImagePlatform", "InvalidDefaultArgInFrom", "NoEmptyContinuation", "ReservedStageName",
}

// directive says how the check is turned on or off.
func (c buildkitCheck) directive() string {
	skip := "`# check=skip=" + c.name + "` at the top of the file"
	switch {
	case c.name == "InvalidDefinitionDescription":
		return "It is experimental: `# check=experimental=" + c.name + "` at the top of the file or above the line asks for it."
	case slices.Contains(wholeFile, c.name):
		return skip + " turns it off; above the line it does not."
	}
	return skip + " or above the line turns it off."
}

func (c buildkitCheck) check(p *audit.Pass) {
	warnings := p.Dockerfile.Warnings
	if c.name == "CopyIgnoredFile" {
		warnings = p.Dockerfile.Ignored(p.Context)
	}
	for _, w := range warnings {
		if w.Rule == c.name && w.By != nil {
			p.Report(p.BlameSpan(w.By, w.Span).Of(c.finding(p, w)))
		}
	}
}

func (c buildkitCheck) finding(p *audit.Pass, w dockerfile.Warning) audit.Finding {
	f := audit.Finding{
		Message:  w.Message,
		Evidence: []audit.Evidence{p.At(w.By, "BuildKit's linter says it of %s", subjectOf(p, w))},
		Remedy:   c.remedy,
	}
	switch {
	case w.Fails:
		f.Severity = audit.Error
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "check=error=true at the top of the file makes BuildKit end the build with it"))
		f.Words = "lint violation found for rules: " + w.Rule
	case w.Unsure:
		f.Certainty = audit.Likely
		if w.Rule == "UndefinedVar" {
			f.Certainty = audit.Possible
		}
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "the config of the base image is not known here: it may define what is missing"))
	case !w.Built:
		f.Severity = audit.Note
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "the target does not need that stage"))
	}
	if c.fix != nil && !fromTrigger(w) {
		f.Fix = c.fix(p, w)
	}
	return f
}

// fromTrigger reports whether a warning is about an ONBUILD trigger: it stands at the FROM that pulls it.
func fromTrigger(w dockerfile.Warning) bool {
	return w.By.Keyword == "FROM" && len(w.By.Words) > 0 && w.Span == w.By.Words[0].Span
}

// subjectOf names what a warning is about.
func subjectOf(p *audit.Pass, w dockerfile.Warning) string {
	const most = 60
	text := p.Dockerfile.Text(w.Span)
	switch {
	case w.Rule == "NoEmptyContinuation":
		return fmt.Sprintf("line %d", w.Span.Start.Line)
	case len(text) > most:
		return fmt.Sprintf("%q..", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

// warned reports whether BuildKit says something of an instruction.
func warned(p *audit.Pass, in *dockerfile.Instruction, rule string) bool {
	return slices.ContainsFunc(p.Dockerfile.Warnings, func(w dockerfile.Warning) bool { return w.By == in && w.Rule == rule })
}
