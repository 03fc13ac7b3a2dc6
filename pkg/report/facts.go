package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// Facts is what `imgaudit inspect` shows: what was read, without judgement.
type Facts struct {
	Schema   int            `json:"schema"`
	Subjects []SubjectFacts `json:"subjects"`
}

// SubjectFacts are the facts of one subject.
type SubjectFacts struct {
	Image      *ImageFacts    `json:"image,omitempty"`
	Binaries   []BinaryFacts  `json:"binaries"`
	Dockerfile *StageFacts    `json:"dockerfile,omitempty"`
	Unread     []audit.Unread `json:"unread"`
}

// ImageFacts are an image's config, layers and start.
type ImageFacts struct {
	*layers.Image
	Identity layers.Identity   `json:"identity"`
	Process  layers.Process    `json:"process"`
	Blame    []LayerFacts      `json:"blame"`
	Deleted  []layers.Deletion `json:"deleted,omitempty"`
	Storage  *StorageFacts     `json:"storage,omitempty"` // nil if a layer could not be read
}

// LayerFacts says which line made a layer.
type LayerFacts struct {
	Base  bool        `json:"base,omitempty"` // it comes from the base image
	Layer int         `json:"layer"`
	Blame audit.Blame `json:"blame"`
	Line  int         `json:"line,omitempty"` // of the Dockerfile, 0 if unknown
}

// BinaryFacts are a program's needs and what the loader would do with it.
type BinaryFacts struct {
	*binary.Binary
	Entry   bool            `json:"entry"`
	Linking *binary.Linking `json:"linking,omitempty"`
}

// StageFacts are a Dockerfile's stages.
type StageFacts struct {
	Path   string  `json:"path"`
	Stages []Stage `json:"stages"`
	// Missing are the build arguments without a value on which an instruction depends, Undeclared the given ones that no
	// ARG declares.
	Missing    []MissingArg `json:"missing,omitempty"`
	Undeclared []string     `json:"undeclared,omitempty"`
}

// MissingArg is a build argument without a value.
type MissingArg struct {
	Name        string `json:"name"`
	Instruction string `json:"instruction"`
	Line        int    `json:"line"`
}

// Stage is one stage with its effective settings.
type Stage struct {
	Index      int      `json:"index"`
	Name       string   `json:"name,omitempty"`
	Line       int      `json:"line"`
	Base       string   `json:"base"` // after expansion; "" if it is not known before the build
	BaseRaw    string   `json:"baseRaw"`
	FromStage  *int     `json:"fromStage,omitempty"`
	Final      bool     `json:"final,omitempty"`
	Reachable  bool     `json:"reachable"`
	User       string   `json:"user,omitempty"`
	WorkDir    string   `json:"workDir,omitempty"`
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	Builds     []string `json:"builds,omitempty"` // go build lines, as the paths they write
	Hidden     []string `json:"hidden,omitempty"` // what may run go build where nobody can see it: make, a script
}

// FactsOf collects the facts of subjects.
func FactsOf(subjects []*audit.Subject) *Facts {
	f := &Facts{Schema: Schema, Subjects: []SubjectFacts{}}
	for _, s := range subjects {
		f.Subjects = append(f.Subjects, factsOf(s))
	}
	return f
}

func factsOf(s *audit.Subject) SubjectFacts {
	out := SubjectFacts{Binaries: []BinaryFacts{}, Unread: append([]audit.Unread{}, s.Unread...)}
	if s.Image != nil {
		out.Image = &ImageFacts{Image: s.Image, Identity: s.Identity, Process: s.Process}
		for i := range s.Image.Layers {
			c := s.BlameLayer(i)
			lf := LayerFacts{Layer: i, Blame: c.Blame, Base: s.Image.Layers[i].Base}
			if c.Location != nil {
				lf.Line = c.Location.Line
			}
			out.Image.Blame = append(out.Image.Blame, lf)
		}
		if s.Image.FS != nil {
			out.Image.Deleted = s.Image.FS.Deletions()
			out.Image.Storage = storageOf(s.Image)
		}
	}
	for _, p := range s.Programs {
		out.Binaries = append(out.Binaries, BinaryFacts{Binary: p.Binary, Entry: p.Entry, Linking: p.Linking})
	}
	if s.Dockerfile != nil {
		out.Dockerfile = stagesOf(s)
	}
	return out
}

func stagesOf(s *audit.Subject) *StageFacts {
	f := s.Dockerfile
	out := &StageFacts{Path: f.Path, Undeclared: f.Undeclared}
	for _, st := range f.Stages {
		x := Stage{Index: st.Index, Name: st.Name, Line: st.Span.Start.Line, Base: st.Base, BaseRaw: st.BaseRaw, Final: st == f.Final(),
			Reachable: f.Reachable(st), User: st.User.Value, WorkDir: st.WorkDir.Value, Entrypoint: st.Entrypoint.Words, Cmd: st.Cmd.Words}
		if st.Parent != nil {
			x.FromStage = &st.Parent.Index
		}
		for _, in := range st.Instructions {
			if in.Run == nil {
				continue
			}
			for _, b := range in.Run.Builds {
				x.Builds = append(x.Builds, b.Output)
			}
			for _, h := range in.Hidden() {
				x.Hidden = append(x.Hidden, h.Program)
			}
		}
		out.Stages = append(out.Stages, x)
	}
	for _, m := range f.Missing {
		out.Missing = append(out.Missing, MissingArg{Name: m.Name, Instruction: m.By.Keyword, Line: m.By.Span.Start.Line})
	}
	return out
}

// JSON writes the facts.
func (f *Facts) JSON(w io.Writer) error { return writeJSON(w, f) }

// Text writes the facts for people.
func (f *Facts) Text(w io.Writer) error {
	var b strings.Builder
	for _, s := range f.Subjects {
		if s.Image != nil {
			s.Image.text(&b)
		}
		for _, p := range s.Binaries {
			p.text(&b)
		}
		if s.Dockerfile != nil {
			s.Dockerfile.text(&b)
		}
		for _, u := range s.Unread {
			fmt.Fprintf(&b, "not looked at: %s: %s\n", printable(u.What), printable(u.Because))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// columns writes lines of tab-separated cells aligned.
func columns(b *strings.Builder, lines [][]string) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, cells := range lines {
		fmt.Fprintln(w, "  "+printable(strings.Join(cells, "\t")))
	}
	w.Flush()
}
