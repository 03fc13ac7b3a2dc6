package rules

import (
	"regexp"
	"sort"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// ForMessage returns the rules that know a message seen at run time, the closest match first. The message may stand
// in the middle of a log line.
func ForMessage(message string) []*audit.Rule {
	type match struct {
		rule  *audit.Rule
		exact int // bytes of the pattern that are not "*": the more, the closer
	}
	var matches []match
	for _, r := range All() {
		best := 0
		for _, pattern := range r.Doc.Messages {
			if n := len(strings.ReplaceAll(pattern, "*", "")); n > best && messagePattern(pattern).MatchString(message) {
				best = n
			}
		}
		if best > 0 {
			matches = append(matches, match{r, best})
		}
	}
	sort.SliceStable(matches, func(i, j int) bool { return matches[i].exact > matches[j].exact })
	var found []*audit.Rule
	for _, m := range matches {
		found = append(found, m.rule)
	}
	return found
}

// messagePattern turns a message with "*" for any text into an expression that matches anywhere, in any case.
func messagePattern(pattern string) *regexp.Regexp {
	pattern = strings.Trim(pattern, "*")
	return regexp.MustCompile("(?is)" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*"))
}
