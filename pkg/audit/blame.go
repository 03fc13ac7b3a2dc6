package audit

import (
	"fmt"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// BlameKind says what is to blame.
type BlameKind string

// The kinds.
const (
	BlameInstruction BlameKind = "instruction" // the instruction at Location
	BlameBase        BlameKind = "base-image"  // it came with the base image; Location is the FROM that chose it
	BlameUnknown     BlameKind = "unknown"     // it cannot be told; Because says why
)

// Blame says who is to blame, and why that is not known when it is not.
type Blame struct {
	Kind    BlameKind `json:"kind"`
	Because string    `json:"because,omitempty"`
}

// Cause is the answer to "which line": an instruction, the base image, or unknown with a reason.
type Cause struct {
	Blame    Blame
	By       *dockerfile.Instruction // nil if unknown
	Location *Location
	Layer    *LayerRef
	Chain    []Evidence // the lines that lead to it: COPY --from, then RUN go build
}

// Of fills the cause into a finding; its chain ends the evidence.
func (c Cause) Of(f Finding) Finding {
	f.Blame, f.Location = c.Blame, c.Location
	if f.Layer == nil {
		f.Layer = c.Layer
	}
	f.Evidence = append(f.Evidence, c.Chain...)
	return f
}

// blame is the alignment of a subject, made once by Prepare.
type blame struct {
	final *dockerfile.Stage
	alignment
	// made is the instruction that made each layer, by the image's provenance; nil without one, or where it does not say.
	made []*dockerfile.Instruction
}

// Prepare completes a subject that a caller has put together: it follows PID 1 to the program, marks that program as
// the entry, and pairs the image's history with the Dockerfile. Call it once, before Run.
func (s *Subject) Prepare() {
	s.prepareStart()
	s.prepareBlame()
}

func (s *Subject) prepareBlame() {
	b := &blame{}
	s.blame = b
	if s.Image != nil && builtByKo(s.Image.History) {
		b.fault = "the image was built by ko, from no Dockerfile"
		return
	}
	if s.Dockerfile == nil {
		b.fault = "no Dockerfile was given"
		if s.Refused != nil {
			b.fault = "BuildKit refuses the Dockerfile"
		}
		return
	}
	b.final = s.Dockerfile.Final()
	if s.Image == nil {
		return
	}
	if b.made = madeBy(s.Image, s.Dockerfile); b.made != nil {
		b.alignment = align(s.Image.History, chain(b.final)) // tells nothing better where it has a fault
		return
	}
	if len(s.Image.History) == 0 {
		b.fault = "the image has no history"
		return
	}
	b.alignment = align(s.Image.History, chain(b.final))
	if b.fault == "" && b.own > 0 && b.final.Root().Scratch() {
		b.fault = fmt.Sprintf("the image's history has %d steps before the Dockerfile's first, which starts from scratch", b.own)
	}
	if b.fault != "" {
		b.fault = "the Dockerfile is not the one this image was built from: " + b.fault
	}
}

// chain lists the instructions of a stage after those of the stages it starts from.
func chain(s *dockerfile.Stage) []*dockerfile.Instruction {
	if s == nil {
		return nil
	}
	return append(chain(s.Parent), s.Instructions...)
}

// DockerfileFits reports whether the subject's Dockerfile can be blamed: there is one, and nothing in the image says
// that it is another image's. The text says why not.
func (s *Subject) DockerfileFits() (bool, string) {
	if s.blame.made != nil {
		return true, ""
	}
	return s.blame.fault == "", s.blame.fault
}

func (s *Subject) unknown(format string, args ...any) Cause {
	return Cause{Blame: Blame{Kind: BlameUnknown, Because: fmt.Sprintf(format, args...)}}
}

// BlameLine blames an instruction of the Dockerfile that is known to be at fault.
func (s *Subject) BlameLine(in *dockerfile.Instruction) Cause {
	return s.BlameSpan(in, in.Span)
}

// BlameSpan blames a part of an instruction.
func (s *Subject) BlameSpan(in *dockerfile.Instruction, sp dockerfile.Span) Cause {
	return Cause{Blame: Blame{Kind: BlameInstruction}, By: in, Location: s.locate(sp)}
}

// BlameRefusal blames the line at which BuildKit refuses the Dockerfile.
func (s *Subject) BlameRefusal() Cause {
	at := s.locate(s.Refused.Span)
	if at == nil {
		return s.unknown("BuildKit names no line")
	}
	return Cause{Blame: Blame{Kind: BlameInstruction}, Location: at}
}

// BlameBase blames the FROM that chose the final stage's base image.
func (s *Subject) BlameBase() Cause {
	if ok, because := s.DockerfileFits(); !ok {
		return s.unknown("%s", because)
	}
	return s.fromLine(Blame{Kind: BlameInstruction})
}

// fromLine points at the FROM of the stage whose base is an image, and at the FROM of the final stage if that is another one.
func (s *Subject) fromLine(b Blame) Cause {
	from := s.blame.final.Root().From
	return Cause{Blame: b, By: from, Location: s.locate(from.Span)}
}

// BlameSetting blames the instruction that set something of the config (USER, ENTRYPOINT, an ENV); in is nil when
// nothing in the Dockerfile sets it, and the base image is to blame then.
func (s *Subject) BlameSetting(in *dockerfile.Instruction, what string) Cause {
	if ok, because := s.DockerfileFits(); !ok {
		return s.unknown("%s", because)
	}
	if in == nil {
		return s.fromLine(Blame{Kind: BlameBase, Because: what + " comes from the base image"})
	}
	return s.BlameLine(in)
}
