package oracle

import (
	"regexp"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// tokens is what the text of each rule's span must look like.
var tokens = map[string]*regexp.Regexp{
	"ConsistentInstructionCasing":     regexp.MustCompile(`^[A-Za-z]+$`),
	"CopyIgnoredFile":                 regexp.MustCompile(`^\S[^\n]*$`),
	"DuplicateStageName":              regexp.MustCompile(`^[\w.-]+$`),
	"ExposeInvalidFormat":             regexp.MustCompile(`[:$]`),
	"ExposeProtoCasing":               regexp.MustCompile(`(?i)[/$]`),
	"FromAsCasing":                    regexp.MustCompile(`^(?i)as$`),
	"FromPlatformFlagConstDisallowed": regexp.MustCompile(`^--platform=`),
	"InvalidDefaultArgInFrom":         regexp.MustCompile(`^\S+$`),
	"InvalidDefinitionDescription":    regexp.MustCompile(`^\w[\w.-]*$`),
	"JSONArgsRecommended":             regexp.MustCompile(`(?s)^.+$`),
	"LegacyKeyValueFormat":            regexp.MustCompile(`(?s)^\S+\s.*`),
	"MaintainerDeprecated":            regexp.MustCompile(`^(?i)maintainer$`),
	"MultipleInstructionsDisallowed":  regexp.MustCompile(`^(?i)(cmd|entrypoint|healthcheck)$`),
	"NoEmptyContinuation":             regexp.MustCompile(`^\s*$`),
	"RedundantTargetPlatform":         regexp.MustCompile(`^--platform=.*TARGETPLATFORM`),
	"ReservedStageName":               regexp.MustCompile(`^(?i)(context|scratch)$`),
	"SecretsUsedInArgOrEnv":           regexp.MustCompile(`^[^=]+$`),
	"StageNameCasing":                 regexp.MustCompile(`[A-Z]`),
	"UndefinedArgInFrom":              regexp.MustCompile(`^\$`),
	"UndefinedVar":                    regexp.MustCompile(`(?s)^\$`),
	"WorkdirRelativePath":             regexp.MustCompile(`^[^/]`),
}

// spans checks that slicing the file at a warning's span gives the word that it is about, within the lines that BuildKit
// names. What a trigger brings stands at FROM's base, and the empty line is above the one that BuildKit names.
func spans(t *testing.T, f file, own *dockerfile.File, all []dockerfile.Warning) {
	t.Helper()
	for _, w := range all {
		text := own.Text(w.Span)
		trigger := w.By != nil && w.By.Index < 0 && w.Span == w.By.Words[0].Span
		switch {
		case w.Span.IsZero() || w.By == nil:
			t.Errorf("%s: %s has no span\n%s", f.name, w.Rule, f.source)
		case (w.Span.Start.Line < w.First || w.Span.End.Line > w.Last) && w.Rule != "NoEmptyContinuation":
			t.Errorf("%s: %s: the span of lines %d-%d is outside of %d-%d", f.name, w.Rule, w.Span.Start.Line, w.Span.End.Line, w.First, w.Last)
		case !trigger && !tokens[w.Rule].MatchString(text):
			t.Errorf("%s: %s: %q is not what %q is about\n%s", f.name, w.Rule, text, w.Message, f.source)
		case w.Rule == "UndefinedVar" && !trigger && !strings.HasPrefix(strings.TrimLeft(text, "${"), named(w.Message)):
			t.Errorf("%s: %q is not the variable of %q\n%s", f.name, text, w.Message, f.source)
		}
	}
}

var quotedName = regexp.MustCompile(`'\$([^']+)'`)

func named(message string) string {
	if m := quotedName.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return message
}
