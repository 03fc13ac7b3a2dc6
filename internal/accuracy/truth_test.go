package accuracy

import (
	"net/http"
	"regexp"
	"strings"
)

// judged are the rules whose findings a run can show.
var judged = []string{
	"loader-missing", "library-missing", "libc-mismatch", "architecture-mismatch", "entrypoint-missing", "entrypoint-not-executable", "shell-missing", "environment-malformed",
	"cgo-stub-linked", "ca-roots-missing", "ca-roots-unreadable", "ca-roots-expired", "zoneinfo-missing", "timezone-unresolved", "temp-dir-missing", readOnlyRule,
	"user-database-missing", "command-missing", "resolver-fallback", "mime-types-missing", "healthcheck-cannot-run", "stop-signal-lost", "stop-signal-mismatch", "stop-signal-unhandled",
	"orphans-unreaped", "profiling-exposed", "obsolete-defaults", "environment-leftover",
}

// readOnlyRule is no rule of the audit, which sees no mounts: pkg/prove adds it for a read-only root.
const readOnlyRule = "readonly-root-unwritable"

// late are the rules whose finding only shows while the program is being stopped or checked, or after it went well.
var late = []string{"stop-signal-lost", "stop-signal-mismatch", "stop-signal-unhandled", "healthcheck-cannot-run"}

// failure is something that went wrong in a run.
type failure struct {
	words string
	final bool     // nothing of what comes later could be seen
	rules []string // that would rightly have foretold it; the first is the one that is said to have missed it
}

// sign tells by its words what went wrong. They are those of Linux, runc, glibc, musl and Go, not taken from the rules.
type sign struct {
	words *regexp.Regexp
	rules []string
}

func said(words string, rules ...string) sign { return sign{regexp.MustCompile(words), rules} }

// refusals are of a container that was not started: execve(2)'s errors as runc repeats them.
var refusals = []sign{
	said(`/bin/sh.*no such file`, "shell-missing"),
	said(`no such file or directory`, "loader-missing", "libc-mismatch", "entrypoint-missing"),
	said(`executable file not found`, "entrypoint-missing"),
	said(`permission denied|unable to find user`, "entrypoint-not-executable"),
	said(`exec format error`, "architecture-mismatch"),
}

// sayings are of a program that ended with an error.
var sayings = []sign{
	said(`error while loading shared libraries|Error loading shared library`, "library-missing", "libc-mismatch"),
	said("version `GLIBC|Error relocating|symbol lookup error", "libc-mismatch", "library-missing"),
	said(`malformed GOMEMLIMIT`, "environment-malformed"),
	said(`requires cgo to work|plugin: not implemented`, "cgo-stub-linked"),
	said(`x509: |failed to verify certificate`, "ca-roots-missing", "ca-roots-unreadable", "ca-roots-expired"),
	said(`unknown time zone`, "zoneinfo-missing"),
	said(`read-only file system`, readOnlyRule),
	said(`accuracy\d+: (no such file|permission denied)`, "temp-dir-missing"),
	said(`"sh": executable file not found`, "command-missing"),
	said(`(?m)user: `, "user-database-missing"),
	said(`lookup .*: `, "resolver-fallback"),
	said(`/app: not found|/app: Permission denied`, "loader-missing", "entrypoint-not-executable"),
}

// flaws are what a program says that goes on all the same.
var flaws = []sign{
	said(`answer: no type`, "mime-types-missing"),
	said(`answer: [1-9]\d* zombies`, "orphans-unreaped"),
	said(`answer: TLS 1.0 is accepted`, "obsolete-defaults"),
	said(`(?m)^init \S+ @`, "environment-leftover"), // GODEBUG=inittrace=1
}

// unknown is the rule that misses a failure of which no rule speaks.
const unknown = "no rule"

// failures is what went wrong in a run, the first first.
func (c *cell) failures() (all []failure) {
	o, printed := c.seen, strings.TrimSpace(c.seen.Printed)
	match := func(words string, signs []sign) {
		for _, s := range signs {
			if s.words.MatchString(words) {
				all = append(all, failure{words, true, s.rules})
				return
			}
		}
		all = append(all, failure{words, true, []string{unknown}})
	}
	switch {
	case o.Refused != "":
		match(o.Refused, refusals)
		return all
	case o.Ended && (o.Signal != "" || o.ExitCode == nil || *o.ExitCode != 0):
		match(printed, sayings)
		return all
	case c.need == "localtime" && !strings.Contains(printed, "+0900"):
		all = append(all, failure{"it tells " + printed + " and not " + tokyo + "'s time", false, []string{"timezone-unresolved"}})
	case !strings.Contains(printed, "answer: "):
		all = append(all, failure{"no answer: " + printed, false, []string{unknown}})
	}
	for _, f := range flaws {
		if f.words.MatchString(printed) {
			all = append(all, failure{f.words.FindString(printed), false, f.rules})
		}
	}
	if o.Status == http.StatusOK {
		all = append(all, failure{"it answers " + asked.Path, false, []string{"profiling-exposed"}})
	}
	if o.Health != nil && o.Health.ExitCode != 0 {
		all = append(all, failure{"health check: " + o.Health.Words, false, []string{"healthcheck-cannot-run", "shell-missing"}})
	}
	if s := o.Stop; s != nil {
		switch {
		case s.Lost:
			all = append(all, failure{s.Signal + " does not end it", false, []string{"stop-signal-lost", "stop-signal-mismatch", "stop-signal-unhandled"}})
		case o.Signal != "" || o.ExitCode != nil && *o.ExitCode != 0:
			all = append(all, failure{s.Signal + " breaks it off", false, []string{"stop-signal-unhandled", "stop-signal-mismatch"}})
		}
	}
	return all
}
