package prove

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// atBuild are the rules whose certain errors say that the build stops.
var atBuild = []string{"does-not-build", "cgo-without-compiler", "cache-mount-lost", "toolchain-mismatch", "vcs-unavailable"}

// buildPredictions are the findings that a build can show.
func buildPredictions(r *audit.Result) []audit.Prediction {
	all := []audit.Prediction{}
	if r == nil {
		return all
	}
	for _, f := range r.Findings {
		if slices.Contains(atBuild, f.Rule) && f.Severity == audit.Error {
			all = append(all, audit.Prediction{Rule: f.Rule, Severity: f.Severity, Certainty: f.Certainty, Message: f.Message, Words: f.Words})
		}
	}
	return all
}

// elsewhere are words by which a build says that the fault is not the Dockerfile's: a network, a registry, a disk.
var elsewhere = regexp.MustCompile(`(?i)no such host|i/o timeout|connection (refused|reset)|tls handshake|network is unreachable|no route to host|server misbehaving|temporary failure|` +
	`could not resolve|failed to do request|failed to resolve source metadata|x509: |pull access denied|unauthorized|too ?many ?requests|pinging container registry|server gave HTTP response|\b50[234]\b|no space left on device|context deadline exceeded`)

// judgeBuild compares what was foretold of a build with what became of it.
func judgeBuild(b *audit.Built) {
	say := func(o audit.Outcome, format string, args ...any) {
		b.Outcome, b.Because = o, fmt.Sprintf(format, args...)
	}
	certain := slices.IndexFunc(b.Predictions, func(p audit.Prediction) bool { return p.Certainty == audit.Proven })
	switch {
	case b.Failed == "" && certain >= 0:
		say(audit.OutcomeDiffers, "%s was foretold, and it built", b.Predictions[certain].Rule)
	case b.Failed == "":
		say(audit.OutcomeHolds, "built in %.1f s", b.Seconds)
	case elsewhere.MatchString(b.Failed + "\n" + strings.Join(b.Output, "\n")):
		say(audit.OutcomeUnproven, "it cannot be built here: %s", b.Failed)
	case len(b.Predictions) > 0:
		p := &b.Predictions[max(certain, 0)]
		p.Seen = true
		say(audit.OutcomeHolds, "foretold by %s: %s", p.Rule, b.Failed)
	default:
		say(audit.OutcomeDiffers, "not foretold: %s", b.Failed)
	}
}
