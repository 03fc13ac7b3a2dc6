package prove

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// span is when a build ran. What it wrote down of its time lies in there.
type span struct{ from, to time.Time }

// slack is how far the clock of the builder may be from ours.
const slack = 2 * time.Second

func (m made) span() span { return span{m.began.Add(-slack), m.ended.Add(slack)} }

func (s span) has(t time.Time) bool { return !t.Before(s.from) && !t.After(s.to) }

// clocks are the forms in which programs write times, and how each is read; times without a zone are taken as UTC, as
// builders have them.
var clocks = []struct {
	form    *regexp.Regexp
	layouts []string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T _]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d| UTC)?`), []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02_15:04:05"}},
	{regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d( [A-Z]{3,4})? \d{4}`), []string{"Mon Jan _2 15:04:05 MST 2006", "Mon Jan _2 15:04:05 2006"}},
	{regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d( [A-Z]{3}| [+-]\d{4})`), []string{time.RFC1123, time.RFC1123Z}},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT?-?\d\d-\d\d-\d\d|\d{8}[T_-]?\d{6}Z?`), []string{"2006-01-02T15-04-05", "2006-01-02-15-04-05", "20060102T150405Z", "20060102T150405", "20060102-150405", "20060102_150405", "20060102150405"}},
	{regexp.MustCompile(`\d\d:\d\d:\d\d(\.\d+)?`), nil},
	{regexp.MustCompile(`\d{10,19}`), nil},
}

// marks puts a mark in the place of every time of the build, and says whether there was one. With loose set every form
// of a time is marked, whatever it says.
func (s span) marks(text string, loose bool) (marked string, any bool) {
	for i, clock := range clocks {
		text = clock.form.ReplaceAllStringFunc(text, func(found string) string {
			if loose && i < len(clocks)-1 || s.reads(found, clock.layouts) {
				any = true
				return "<time>"
			}
			if i == len(clocks)-1 { // among other digits
				if marked, ok := s.digits(found); ok {
					any = true
					return marked
				}
			}
			return found
		})
	}
	return text, any
}

// reads tells whether a text is a time of the build.
func (s span) reads(text string, layouts []string) bool {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return s.has(t)
		}
	}
	if layouts == nil && strings.Contains(text, ":") { // a time of day
		day := s.from.UTC().Truncate(24 * time.Hour)
		t, err := time.Parse("15:04:05", text)
		since := t.Sub(t.Truncate(24 * time.Hour))
		return err == nil && (s.has(day.Add(since)) || s.has(day.Add(since+24*time.Hour)))
	}
	return false
}

// digits finds seconds, or parts of seconds, since 1970 in a row of digits.
func (s span) digits(row string) (string, bool) {
	for at := 0; at+10 <= len(row); at++ {
		n, err := strconv.ParseInt(row[at:at+10], 10, 64)
		if err != nil || !s.has(time.Unix(n, 0)) && !s.has(time.Unix(n+1, 0)) {
			continue
		}
		end := at + 10
		for _, more := range []int{9, 6, 3} { // of nanoseconds
			if at+10+more <= len(row) {
				end = at + 10 + more
				break
			}
		}
		return row[:at] + "<time>" + row[end:], true
	}
	return row, false
}

// Parts of text that are different each time.
var (
	temporary = regexp.MustCompile(`tmp\.[A-Za-z0-9]{6,}|go-(build|link)-?\d{6,}|\btmp[a-z0-9_]{8}\b`)
	took      = regexp.MustCompile(`\b\d+(\.\d+)? ?(ns|µs|us|ms|s|sec|seconds)\b|\b\d+m\d+(\.\d+)?s\b`)
	chance    = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[A-Za-z0-9+/_=-]{8,}|\b\d{4,}\b`)
)

// textCause says why two texts differ.
func textCause(first, second string, spans [2]span) (cause audit.DiffCause, because string) {
	a, b := first, second
	x, inA := spans[0].marks(a, false)
	y, inB := spans[1].marks(b, false)
	switch {
	case x == y && inA && inB:
		return audit.CauseTime, "both have the time of their build in that place"
	case temporary.ReplaceAllString(a, "<temp>") == temporary.ReplaceAllString(b, "<temp>"):
		return audit.CauseRandom, "the name of a temporary file is in it"
	case temporary.ReplaceAllString(x, "<temp>") == temporary.ReplaceAllString(y, "<temp>"):
		return audit.CauseTime, "both have the time of their build, and the name of a temporary file"
	case sameParts(a, b):
		return audit.CauseOrder, "both have the same parts in another order"
	}
	if x, inA = spans[0].marks(a, true); inA {
		if y, inB = spans[1].marks(b, true); inB && x == y {
			return audit.CauseTime, "only times differ"
		}
	}
	if took.ReplaceAllString(x, "<took>") == took.ReplaceAllString(y, "<took>") && took.MatchString(a) {
		return audit.CauseTime, "it says how long something took"
	}
	if chance.ReplaceAllString(a, "<id>") == chance.ReplaceAllString(b, "<id>") {
		return audit.CauseRandom, "only a number or an identifier differs, and it is no time of the build"
	}
	return audit.CauseUnknown, ""
}

// sameParts tells whether two texts consist of the same lines or words.
func sameParts(a, b string) bool {
	if len(a) != len(b) || a == b {
		return false
	}
	for _, split := range []func(string) []string{
		func(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") },
		func(s string) []string {
			return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;{}[]()", r) })
		},
	} {
		x, y := split(a), split(b)
		slices.Sort(x)
		slices.Sort(y)
		if len(x) > 1 && slices.Equal(x, y) {
			return true
		}
	}
	return false
}

// firstLines are the first lines that differ, cut to a length for people.
func firstLines(a, b string) (first, second string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			return fmt.Sprintf("%d lines", len(x)), quoted(y[i])
		case i >= len(y):
			return quoted(x[i]), fmt.Sprintf("%d lines", len(y))
		case x[i] != y[i]:
			from := 0
			for from < min(len(x[i]), len(y[i])) && x[i][from] == y[i][from] {
				from++
			}
			from = max(0, from-quotedLength/2)
			return quoted(x[i][from:]), quoted(y[i][from:])
		}
	}
	return "", ""
}

// quotedLength is how much of a text is shown, in bytes.
const quotedLength = 80

func quoted(s string) string {
	if len(s) > quotedLength {
		s = s[:quotedLength]
	}
	return fmt.Sprintf("%q", s)
}
