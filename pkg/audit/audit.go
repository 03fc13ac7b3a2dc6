// Package audit holds the words that every judgement is made of: a Subject, the Needs of its binaries, the Rules, the
// Findings, and Run, which applies rules to a Subject. It also answers who is to blame: from a path of the image to
// its layer, to the history entry, to the Dockerfile instruction.
//
// It must never read files, images or the network (the readers do), and never decide whether a finding fails a build
// (pkg/policy does).
package audit

import (
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// Part is a set of the parts that a Subject can have.
type Part uint16

// The parts.
const (
	Dockerfile  Part = 1 << iota
	Context          // the build context after .dockerignore
	Executable       // at least one ELF executable of whatever make
	GoBinary         // at least one executable that Go built and whose needs can be seen
	Image            // config and merged file system
	ImageConfig      // config alone, also of an image whose layers could not be read
	GoModule         // go.mod in the root of the build context
	Date             // the audit's date
	Text             // the text of a Dockerfile, whether it parses or not
)

// parts lists the parts in the order of messages.
var parts = []struct {
	part Part
	name string
}{{Dockerfile, "Dockerfile"}, {Context, "build context"}, {Executable, "executable"}, {GoBinary, "Go binary"}, {Image, "image"}, {ImageConfig, "image config"}, {GoModule, "go.mod"}, {Date, "date"}, {Text, "Dockerfile"}}

// String names the parts: "Go binary and image".
func (p Part) String() string { return p.join(" and ") }

// join names the parts with a word between them.
func (p Part) join(with string) string {
	var names []string
	for _, x := range parts {
		if p&x.part != 0 {
			names = append(names, x.name)
		}
	}
	return strings.Join(names, with)
}

// Subject is what is audited: the parts of one service. A part that is not there is nil.
type Subject struct {
	Dockerfile *dockerfile.File
	// DockerfileCarried is true when the Dockerfile was not given but is carried by the image, in its provenance.
	DockerfileCarried bool
	// DockerfilePiped is true when the Dockerfile came through standard input: its path is no file.
	DockerfilePiped bool
	// Refused is why BuildKit does not build the Dockerfile at all; Dockerfile is nil then.
	Refused *dockerfile.ParseError
	Context *dockerfile.Context
	Module  *source.Module // of go.mod in the root of the context
	Image   *layers.Image
	// Identity and Process are who and what PID 1 is; zero without an image.
	Identity layers.Identity
	Process  layers.Process
	// Start is how PID 1 leads to the program, set by Prepare.
	Start Start
	// Programs are the executables: the one that the image starts first, then the others by path.
	Programs []*Program
	// Unread is what should have been looked at and could not be.
	Unread []Unread
	// Unpredicted is why an image that was to be predicted lacks its file system or more, "" if it does not or none was.
	Unpredicted string
	// Now is the audit's date, zero if rules must not know it; set by pkg/target from Options.Now.
	Now   time.Time
	blame *blame
}

// Program is one executable of a Subject.
type Program struct {
	*binary.Binary
	// Entry is true for the program that the image starts, directly or through a shell or script, and for a binary
	// that was named by itself. The needs of other programs are possible at most: nobody knows whether they run.
	Entry bool
	// Predicted is true for a program that was built here as the Dockerfile builds it: what it needs is what the image's
	// needs, but which release built it says nothing of the Dockerfile.
	Predicted bool
	// Toolchain is true for the Go toolchain's own programs, which are no service and count for no rule.
	Toolchain bool
	// Linking is what the loader would do; nil without an image.
	Linking *binary.Linking
}

// Unread is a part that could not be looked at; an audit with any is never a pass.
type Unread struct {
	What    string `json:"what"`
	Because string `json:"because"`
}

// Has returns the parts that the subject has.
func (s *Subject) Has() Part {
	var p Part
	if s.Dockerfile != nil {
		p |= Dockerfile | Text
	}
	if s.Refused != nil {
		p |= Text
	}
	if s.Context != nil {
		p |= Context
	}
	if s.Module != nil {
		p |= GoModule
	}
	if !s.Now.IsZero() {
		p |= Date
	}
	if s.Image != nil {
		p |= ImageConfig
		if s.Image.FS != nil {
			p |= Image
		}
	}
	for _, prog := range s.Programs {
		if prog.Toolchain {
			continue
		}
		p |= Executable
		if prog.Go != nil && prog.Opaque == "" {
			p |= GoBinary
		}
	}
	return p
}

// Entry is the program that the image starts, nil if it is not known or is no ELF file.
func (s *Subject) Entry() *Program {
	for _, p := range s.Programs {
		if p.Entry {
			return p
		}
	}
	return nil
}

// Env is the run-time environment as "K=V", nil without an image.
func (s *Subject) Env() []string {
	if s.Image == nil {
		return nil
	}
	return s.Image.Config.Env
}
