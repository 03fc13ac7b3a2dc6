// Package policy turns findings into a Verdict, after it has set aside those that a waiver covers.
//
// It must never look into an image or at what a Dockerfile does: what it knows of them is what the findings and needs
// say, and where a comment that waives belongs.
package policy

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// FailOn is the severity from which a finding fails the verdict.
type FailOn string

// The thresholds; FailNever lets findings pass, but not what could not be read.
const (
	FailOnError   FailOn = "error"
	FailOnWarning FailOn = "warning"
	FailOnNote    FailOn = "note"
	FailNever     FailOn = "never"
)

// ParseFailOn reads a threshold as a user writes it.
func ParseFailOn(s string) (FailOn, error) {
	switch f := FailOn(s); f {
	case FailOnError, FailOnWarning, FailOnNote, FailNever:
		return f, nil
	}
	return "", fmt.Errorf("reading --fail-on: %q is none of error, warning, note, never", s)
}

// Outcome is a verdict in one word.
type Outcome string

// The outcomes.
const (
	Pass         Outcome = "pass"
	Fail         Outcome = "fail"
	Inconclusive Outcome = "inconclusive" // nothing fails, but something could not be read
)

// Counts are the findings by severity.
type Counts struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Note    int `json:"note"`
	Waived  int `json:"waived"` // of any severity, in none of the others
}

// Total is the number of findings that are not waived.
func (c Counts) Total() int { return c.Error + c.Warning + c.Note }

// Verdict is pass or fail under a policy.
type Verdict struct {
	Policy string `json:"policy"`
	// Pass is true only when nothing fails and everything could be read.
	Pass    bool    `json:"pass"`
	Outcome Outcome `json:"outcome"`
	FailOn  FailOn  `json:"failOn"`
	Counts  Counts  `json:"counts"`
}

// Decide judges all findings of a run that are not waived, and that no other finding says too. unread is the number of
// parts that could not be looked at: an audit that could not look is never a pass, and a finding that fails stays a fail.
func Decide(findings []audit.Finding, unread int, failOn FailOn) Verdict {
	v := Verdict{Policy: "default", FailOn: failOn, Outcome: Pass}
	for i := range findings {
		if findings[i].SameAs != "" {
			continue
		}
		if findings[i].Waived != nil {
			v.Counts.Waived++
			continue
		}
		switch findings[i].Severity {
		case audit.Error:
			v.Counts.Error++
		case audit.Warning:
			v.Counts.Warning++
		default:
			v.Counts.Note++
		}
		if failOn != FailNever && findings[i].Severity.AtLeast(audit.Severity(failOn)) {
			v.Outcome = Fail
		}
	}
	if v.Outcome == Pass && unread > 0 {
		v.Outcome = Inconclusive
	}
	v.Pass = v.Outcome == Pass
	return v
}
