package accuracy

import (
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// verdict is what became of one rule in one cell.
type verdict int

// The verdicts.
const (
	quiet      verdict = iota // silent, and nothing happened
	right                     // an error or a warning, and it happened
	falseError                // an error, and it did not happen: must never be
	missed                    // it happened, and no rule spoke of it: must never be
	spare                     // a warning or note of what depends on circumstances, and it did not happen
	unreached                 // foretold, and the run ended before it could be seen
	verdicts
)

// verdictNames are the words of testdata/cells.txt.
var verdictNames = [verdicts]string{"quiet", "right", "FALSE", "MISSED", "spare", "unreached"}

func (v verdict) String() string { return verdictNames[v] }

// judgement is the verdict on one rule in one cell.
type judgement struct {
	*cell
	rule    string
	verdict verdict
	words   string // of the failure, or of what was foretold
}

// judge compares what was foretold with what happened, rule by rule in the order of judged.
func (c *cell) judge() (all []judgement) {
	failures := c.failures()
	for _, rule := range judged {
		j := judgement{cell: c, rule: rule}
		of := slices.IndexFunc(c.foretold, func(p audit.Prediction) bool { return p.Rule == rule })
		seen := slices.ContainsFunc(failures, func(f failure) bool { return slices.Contains(f.rules, rule) })
		ended := slices.ContainsFunc(failures, func(f failure) bool { return f.final }) || slices.Contains(late, rule) && c.seen.Stop == nil && c.seen.Health == nil
		switch {
		case of < 0:
		case seen:
			j.verdict = right
		case ended:
			j.verdict = unreached
		case c.foretold[of].Severity == audit.Error:
			j.verdict = falseError
		default:
			j.verdict = spare
		}
		if of >= 0 {
			j.words = c.foretold[of].Message
		}
		all = append(all, j)
	}
	for _, f := range failures {
		if !slices.ContainsFunc(c.foretold, func(p audit.Prediction) bool { return slices.Contains(f.rules, p.Rule) }) {
			all = missing(all, judgement{cell: c, rule: f.rules[0], verdict: missed, words: f.words})
		}
	}
	return all
}

// missing puts a missed failure in the place of its rule's silence.
func missing(all []judgement, j judgement) []judgement {
	if i := slices.IndexFunc(all, func(o judgement) bool { return o.rule == j.rule && o.verdict == quiet }); i >= 0 {
		all[i] = j
		return all
	}
	return append(all, j)
}
