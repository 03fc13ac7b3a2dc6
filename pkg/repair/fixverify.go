package repair

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// numbered are the numbers in a message that change when lines or stages come and go.
var numbered = regexp.MustCompile(`\b(lines?|stages?) \d+((, | and )\d+)*|Dockerfile:\d+`)

// key names a finding so that it is the same before and after an edit elsewhere.
func key(f *audit.Finding) string {
	message := f.Message
	if strings.ContainsAny(message, "0123456789") {
		message = numbered.ReplaceAllString(message, "$1 #")
	}
	return f.Rule + "\x00" + string(f.Severity) + "\x00" + message
}

// tally counts findings by key.
func tally(findings []audit.Finding) map[string]int {
	n := map[string]int{}
	for i := range findings {
		n[key(&findings[i])]++
	}
	return n
}

// uprising are the findings of a new text that the old one does not account for, those that should be gone included. A
// finding whose message alone has changed is no new one: one of the same rule at the same place, and no worse.
func uprising(old, new, fixed []audit.Finding, place, at func(*audit.Location) int) []audit.Finding {
	left := tally(old)
	for i := range fixed {
		if k := key(&fixed[i]); left[k] > 0 {
			left[k]--
		}
	}
	var more []audit.Finding
	for i := range new {
		if k := key(&new[i]); left[k] > 0 {
			left[k]--
		} else {
			more = append(more, new[i])
		}
	}
	var gone []audit.Finding // of the old ones, not fixed
	for i := range old {
		if k := key(&old[i]); left[k] > 0 {
			left[k]--
			gone = append(gone, old[i])
		}
	}
	const most = 1 << 20 // comparisons; a text with more is no longer worth the doubt
	if len(more)*len(gone) > most {
		return more
	}
	was := make([]int, len(gone))
	for i := range gone {
		was[i] = place(gone[i].Location)
	}
	return slices.DeleteFunc(more, func(f audit.Finding) bool {
		is := at(f.Location)
		for i := range gone {
			if gone[i].Rule == f.Rule && gone[i].Severity.AtLeast(f.Severity) && was[i] == is {
				gone[i].Rule = "" // spent
				return true
			}
		}
		return false
	})
}

// shown reports whether a finding rests on an image or a binary, which no change of text can change.
func shown(f *audit.Finding) bool {
	return slices.ContainsFunc(f.Evidence, func(e audit.Evidence) bool {
		return e.Level == audit.LevelImage || e.Level == audit.LevelBinary
	})
}

// lineStarts are the offsets of the lines of a text.
func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// offset finds the byte of a location in the Dockerfile, -1 for none.
func (v *version) offset(l *audit.Location) int {
	if l == nil || l.Line < 1 || l.Line > len(v.lines) {
		return -1
	}
	return v.lines[l.Line-1] + l.Column - 1
}

// trial is a change that is being judged: the version it starts from, what it was for, and where old places went.
type trial struct {
	from   *version
	fixed  []audit.Finding
	keys   map[string]bool // the keys of fixed
	slight bool            // one of the fixes ends notes only
	steps  []step
}

// place is where a location of the old text stands in the new one.
func (t *trial) place(l *audit.Location) int {
	at := t.from.offset(l)
	for _, s := range t.steps {
		if at >= 0 {
			at = s.near(at)
		}
	}
	return at
}

// news lists what the rules say of a version that they did not say before, and what the change was for and they still say.
func (t *trial) news(v *version) []audit.Finding {
	more := uprising(t.from.text, v.text, t.fixed, t.place, v.offset)
	if !v.joint {
		return more
	}
	known := tally(more)
	for _, f := range uprising(t.from.all, v.all, nil, t.place, v.offset) {
		if !shown(&f) && known[key(&f)] == 0 {
			more = append(more, f)
		}
	}
	return more
}

// against are those of the news that stand against a change: all but notes, and these too where a fix ends no more than
// notes itself. What installs CA roots names a package that nobody has pinned, and is right all the same.
func (t *trial) against(news []audit.Finding) []audit.Finding {
	if t.slight {
		return news
	}
	return slices.DeleteFunc(slices.Clone(news), func(f audit.Finding) bool { return f.Severity == audit.Note && !t.keys[key(&f)] })
}

// objection says why a finding of the new text stands against a change.
func (t *trial) objection(f *audit.Finding) string {
	if t.keys[key(f)] {
		return "the rules still find it in the corrected text"
	}
	return fmt.Sprintf("it would introduce %s: %s", f.Rule, f.Message)
}

// louder is the name of a check of BuildKit's linter that says more of the new text than of the old one, "" if there is none.
func louder(old, new *dockerfile.File) string {
	n := map[string]int{}
	for _, w := range old.Warnings {
		n[w.Rule]++
	}
	for _, w := range new.Warnings {
		if n[w.Rule]--; n[w.Rule] < 0 {
			return w.Rule
		}
	}
	return ""
}
