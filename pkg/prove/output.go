package prove

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// troubled are the lines by which programs say that something is wrong, the runtime's and the libraries' before the
// programs' own.
var troubled = regexp.MustCompile(`(?i)^panic: |^fatal error: |^runtime: |\bx509: |\btls: |no such file or directory|permission denied|unknown time zone|not found|symbol .* not found|error|fail|refused`)

// errSilent stands for the words of a program that says nothing.
var errSilent = errors.New("")

// firstError is the first line of a program's output that speaks of an error; for one that ended badly without such a line
// the last line.
func firstError(output string, bad bool) string {
	last := ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "SCHED ") {
			continue
		}
		if troubled.MatchString(line) {
			return line
		}
		last = line
	}
	if bad {
		return last
	}
	return ""
}

var traced = regexp.MustCompile(`(?m)^SCHED \d+ms: gomaxprocs=(\d+) `)

// schedTrace is the GOMAXPROCS that the runtime says when GODEBUG has schedtrace, the last of them; 0 if it does not say.
// Source: runtime/proc.go, schedtrace.
func schedTrace(output string) int {
	all := traced.FindAllStringSubmatch(output, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1][1])
	return n
}

// logged finds the message in a line that an engine's logger wrote: time="..." level=error msg="exec failed: ..".
var logged = regexp.MustCompile(`^time="[^"]*" level=\w+ msg=("(?:[^"\\]|\\.)*")`)

// plain is a line without what an engine's logger put around its message.
func plain(line string) string {
	if m := logged.FindStringSubmatch(line); m != nil {
		if message, err := strconv.Unquote(m[1]); err == nil {
			return message
		}
	}
	return line
}
