package audit

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// Severity grades a finding.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // will fail or leak
	Warning Severity = "warning" // will hurt
	Note    Severity = "note"    // worth knowing
)

// Severities lists them, worst first.
var Severities = []Severity{Error, Warning, Note}

// AtLeast reports whether s is as bad as t or worse.
func (s Severity) AtLeast(t Severity) bool { return s.rank() <= t.rank() }

func (s Severity) rank() int {
	for i, x := range Severities {
		if s == x {
			return i
		}
	}
	return len(Severities)
}

// Certainty is how sure a finding is; the words are those of pkg/binary.
type Certainty = binary.Certainty

// The certainties.
const (
	Proven   = binary.Proven
	Likely   = binary.Likely
	Possible = binary.Possible
)

// capSeverity lowers a severity to what a certainty allows: only what is proven may be an error.
func capSeverity(s Severity, c Certainty) Severity {
	switch {
	case c == Possible:
		return Note
	case c == Likely && s == Error:
		return Warning
	}
	return s
}

// Level says where a fact was seen.
type Level string

// The levels.
const (
	LevelText   Level = "text"   // read in a Dockerfile
	LevelBinary Level = "binary" // in an executable
	LevelImage  Level = "image"  // in the image's config or files
)

// Evidence is one link of the chain: why something is needed, where it was searched, which line decided.
type Evidence struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
	// Calls is the chain of functions from main or an init function.
	Calls    []string  `json:"calls,omitempty"`
	Offset   int64     `json:"offset,omitempty"` // in the binary, bytes
	Location *Location `json:"location,omitempty"`
}

// Location is a place in a text file; columns count bytes from 1, the end is exclusive.
type Location struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine"`
	EndColumn int    `json:"endColumn"`
}

// LayerRef names the layer that holds what a finding is about.
type LayerRef struct {
	Digest    string `json:"digest"`
	Index     int    `json:"index"`
	CreatedBy string `json:"createdBy,omitempty"`
}

// Finding is the difference between what is needed and what is provided, or another fault.
type Finding struct {
	Subject   int        `json:"subject"`
	Rule      string     `json:"rule"`
	Severity  Severity   `json:"severity"`
	Certainty Certainty  `json:"certainty"`
	Message   string     `json:"message"` // one line, what is wrong with this image, no period
	Evidence  []Evidence `json:"evidence"`
	Location  *Location  `json:"location,omitempty"` // the Dockerfile line to blame, nil if it is not known
	// Blame says why Location is what it is: BlameInstruction, BlameBase, BlameUnknown.
	Blame  Blame     `json:"blame"`
	Layer  *LayerRef `json:"layer,omitempty"`
	Path   string    `json:"path,omitempty"`   // in the image
	Words  string    `json:"words,omitempty"`  // what the run-time or the program will say, "" if nothing
	Remedy string    `json:"remedy,omitempty"` // what to do by hand, one sentence
	Fix    *Fix      `json:"fix,omitempty"`
	// Waived says who passed the finding over, nil if nobody did; set by pkg/policy. It counts for no verdict then.
	Waived *Waived `json:"waived,omitempty"`
	// SameAs is the rule of another finding that says the same of the same place, and more, "" if there is none. This one
	// is there for agreement with another tool: it counts for no verdict.
	SameAs string `json:"sameAs,omitempty"`
}

// Waived is the waiver of a finding: where it is written, and what it says.
type Waived struct {
	By       string   `json:"by"`    // "comment"
	Style    string   `json:"style"` // whose comment: "imgaudit", "hadolint" ..
	Names    string   `json:"names"` // the rule as written there: "runs-as-root", "DL3002"
	Reason   string   `json:"reason,omitempty"`
	Until    string   `json:"until,omitempty"` // its last day, YYYY-MM-DD
	Location Location `json:"location"`
}

// Safety says what a fix may change.
type Safety string

// The safeties.
const (
	Safe   Safety = "safe"   // the service behaves the same or only stops failing
	Unsafe Safety = "unsafe" // behaviour may change
)

// Fix is a correction in the Dockerfile or .dockerignore.
type Fix struct {
	Title  string            `json:"title"` // begins with a verb
	Safety Safety            `json:"safety"`
	Edits  []dockerfile.Edit `json:"edits"`
}

// Seen makes evidence out of what was seen at a level.
func Seen(l Level, format string, args ...any) Evidence {
	return Evidence{Level: l, Text: fmt.Sprintf(format, args...)}
}

// At makes evidence of a Dockerfile instruction.
func (s *Subject) At(i *dockerfile.Instruction, format string, args ...any) Evidence {
	e := Seen(LevelText, format, args...)
	if i != nil {
		e.Location = s.locate(i.Span)
	}
	return e
}

// FromBinary makes evidence of what a binary's need says, at most n lines.
func FromBinary(ev []binary.Evidence, n int) []Evidence {
	var out []Evidence
	for i, e := range ev {
		if i == n {
			break
		}
		out = append(out, Evidence{Level: LevelBinary, Text: e.Text, Calls: e.Path, Offset: e.Offset})
	}
	return out
}

// locate turns a span of the subject's Dockerfile into a location, nil if there is none.
func (s *Subject) locate(sp dockerfile.Span) *Location {
	file := ""
	switch {
	case sp.IsZero():
		return nil
	case s.Dockerfile != nil:
		file = s.Dockerfile.Path
	case s.Refused != nil:
		file = s.Refused.Path
	default:
		return nil
	}
	return &Location{File: file, Line: sp.Start.Line, Column: sp.Start.Column, EndLine: sp.End.Line, EndColumn: sp.End.Column}
}
