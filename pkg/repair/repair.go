// Package repair writes a corrected Dockerfile and .dockerignore: the fixes that the rules offer, applied together until
// nothing more can be done, or a whole new file made from what the program needs.
//
// It must never judge (the rules do, and they judge its work again), never touch a byte outside an edit, and never write
// to a disk: it hands out texts.
package repair

import (
	"errors"
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// Options of Correct. The zero value applies every safe fix.
type Options struct {
	// Unsafe applies fixes that may change behaviour, too.
	Unsafe bool
	// Rules are the IDs of the rules whose findings are corrected; empty for all.
	Rules []string
	// Count gives, of what the rules say of a subject, the findings that count: without those that a comment waives. It is
	// asked again after each step, so that no edit parts a comment from its line. Nil for all.
	Count func(*audit.Subject, []audit.Finding) []audit.Finding
	// Stop is asked before each audit, of which there may be some hundred; its error ends the correction. Nil for never.
	Stop func() error
	// Changed are files that an earlier correction of the same run changed, which count instead of what the subject
	// read: two Dockerfiles may share an ignore file.
	Changed []File
}

// File is one file before and after the correction.
type File struct {
	Path          string // as the subject names the Dockerfile; below the context's directory for another file
	Before, After []byte
	New           bool // it did not exist; Before is nil
}

// Applied is a finding that was corrected. Its location is that in the text as it was read, unless Consequence.
type Applied struct {
	Finding audit.Finding
	Fix     audit.Fix
	// ToProve is true when the finding rests on the image or on a binary: these are older than the corrected Dockerfile, so
	// only a build can show that it is gone. For all others the rules were asked again, and it is gone.
	ToProve bool
	// Consequence is true when the finding was not there before: another fix called for this one.
	Consequence bool
}

// Left is a finding that was not corrected, with the reason. Its location is that in the text as it was read.
type Left struct {
	Finding audit.Finding
	Because string // one line, no period
	Unsafe  bool   // only for want of Options.Unsafe
}

// Gone is a finding that the fixes of others took away. Its location is that in the text as it was read.
type Gone struct {
	Finding audit.Finding
	ToProve bool // as for Applied: its own fix is no longer offered, and a build has to show that it is gone
}

// Correction is the outcome of Correct.
type Correction struct {
	Files   []File // those that change: the Dockerfile first, then by path
	Applied []Applied
	Left    []Left
	// Gone are findings that went with the fixes of others.
	Gone []Gone
}

// Correct applies the fixes of the findings that the rules make of the subject, together with the fixes of what these
// call for. After each step the corrected text is read and judged again with the same parts of the subject, and the step
// only counts when
//   - BuildKit's parser accepts the text, and its linter says nothing more than before;
//   - every finding that a fix was for is gone, and no new one has come up but notes, where each of the fixes ends an error
//     or a warning: a package that has to be installed is a package that nobody has pinned;
//   - every instruction outside the edits reads as before, and no comment is lost;
//   - no fix that was applied is offered again.
//
// A shipped build stage, which takes more than edits, is corrected last, by the file that MultiStage plans.
//
// Fixes that overlap are applied one after the other, by their place in the file. A fix that breaks a condition is left
// out, with the others still applied. Correcting the corrected text changes nothing, and neither does the order of the
// rules. The subject is not changed.
//
// The error is about a subject without a Dockerfile, one that cannot be read a second time, or that of Options.Stop.
func Correct(s *audit.Subject, rules []*audit.Rule, opt Options) (*Correction, error) {
	if s.Dockerfile == nil {
		return nil, errors.New("correcting: there is no Dockerfile")
	}
	c := &corrector{rules: rules, opt: opt, budget: budgetFor(s.Dockerfile.Source), why: map[string]string{}, whole: map[*audit.Fix]bool{}}
	first, err := c.first(s)
	if err != nil {
		return nil, err
	}
	c.was, c.now = first, first
	c.run()
	if c.stopped != nil {
		return nil, fmt.Errorf("correcting %s: %w", s.Dockerfile.Path, c.stopped)
	}
	return c.correction(s)
}
