package prove

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// troubled are the lines by which programs say that something is wrong.
var troubled = regexp.MustCompile(`(?i)^panic: |^fatal error: |^runtime: |\bx509: |\btls: |no such file or directory|permission denied|unknown time zone|not found|symbol .* not found|error|fail|refused`)

// errSilent stands for the words of a program that says nothing.
var errSilent = errors.New("")

// telling is the line of a program's output that says what went wrong. Of one that goes on running it is the first that
// speaks of an error; of one that ended badly the last, or its last line if none does, but a panic counts before what it
// prints of its goroutines. A line that knows says it knows counts before all others. knows may be nil.
func telling(output string, bad bool, knows func(line string) bool) string {
	var first, last, fatal, known, final string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "SCHED ") {
			continue
		}
		final = line
		if !troubled.MatchString(line) {
			continue
		}
		first, last = cmp.Or(first, line), line
		if panicked.MatchString(line) {
			fatal = cmp.Or(fatal, line)
		}
		if knows != nil && fatal == "" && knows(line) && (bad || known == "") {
			known = line
		}
	}
	if !bad {
		return cmp.Or(known, first)
	}
	return cmp.Or(fatal, known, last, final)
}

// panicked are the lines by which the runtime begins to say why it ends the program.
var panicked = regexp.MustCompile(`^panic: |^fatal error: |^runtime: `)

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
