// Package report writes the outcome of an audit: text for a tired person, JSON for programs.
//
// It must never judge: it writes what the Report value says, all of it or shortened with a word that it is.
package report

import (
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/policy"
)

// Schema is the version of the JSON report. Fields are only ever added.
const Schema = 1

// Report is one run: its subjects and what was said of them. Source: docs/report.schema.json.
type Report struct {
	Schema   int             `json:"schema"`
	Tool     Tool            `json:"tool"`
	Subjects []Subject       `json:"subjects"`
	Needs    []audit.Need    `json:"needs"`
	Findings []audit.Finding `json:"findings"`
	Skipped  []audit.Skip    `json:"skipped"`
	Unread   []Unread        `json:"unread"`
	Verdict  policy.Verdict  `json:"verdict"`
	Proof    *audit.Proof    `json:"proof,omitempty"`

	sources []map[string][]byte // of each subject: its files by path, for excerpts
}

// Tool says who wrote the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Subject is one audited subject.
type Subject struct {
	Image      *Image `json:"image,omitempty"`
	Dockerfile string `json:"dockerfile,omitempty"`
	// Carried is true when nobody gave the Dockerfile: the image carries it in its builder's provenance.
	Carried bool `json:"dockerfileCarried,omitempty"`
	// Refused is true when BuildKit does not build the Dockerfile at all: nothing else is known of it.
	Refused   bool     `json:"dockerfileRefused,omitempty"`
	Context   string   `json:"context,omitempty"`
	Binaries  []Binary `json:"binaries"`
	Manifests []string `json:"manifests"`
}

// Image names an image.
type Image struct {
	Ref      string `json:"ref"`
	Digest   string `json:"digest"`
	Platform string `json:"platform"`
	Layers   int    `json:"layers"`
	// Predicted is true for an image that nobody built yet: it is what the Dockerfile will make.
	Predicted bool `json:"predicted,omitempty"`
}

// Binary names an executable.
type Binary struct {
	Path      string `json:"path"`
	Entry     bool   `json:"entry"`
	Go        string `json:"go,omitempty"`     // toolchain version, "" if not built by Go
	Module    string `json:"module,omitempty"` // main module
	Arch      string `json:"arch,omitempty"`
	Opaque    string `json:"opaque,omitempty"`
	Toolchain bool   `json:"toolchain,omitempty"`
}

// Unread is what could not be looked at.
type Unread struct {
	Subject int    `json:"subject"`
	What    string `json:"what"`
	Because string `json:"because"`
}

// New puts a report together. results[i] belongs to subjects[i].
func New(tool Tool, subjects []*audit.Subject, results []*audit.Result, failOn policy.FailOn) *Report {
	r := &Report{
		Schema: Schema, Tool: tool, Subjects: []Subject{}, Needs: []audit.Need{}, Findings: []audit.Finding{},
		Skipped: []audit.Skip{}, Unread: []Unread{}, sources: make([]map[string][]byte, len(subjects)),
	}
	needs, findings, skipped := 0, 0, 0
	for _, res := range results {
		needs, findings, skipped = needs+len(res.Needs), findings+len(res.Findings), skipped+len(res.Skipped)
	}
	r.Needs, r.Findings, r.Skipped = slices.Grow(r.Needs, needs), slices.Grow(r.Findings, findings), slices.Grow(r.Skipped, skipped)
	for i, s := range subjects {
		r.Subjects = append(r.Subjects, describe(s))
		switch {
		case s.Dockerfile != nil:
			r.sources[i] = map[string][]byte{s.Dockerfile.Path: s.Dockerfile.Source}
		case s.Refused != nil:
			r.sources[i] = map[string][]byte{s.Refused.Path: s.Refused.Source}
		}
		r.add(i, results[i], s.Unread)
	}
	r.Verdict = policy.Decide(r.Findings, len(r.Unread), failOn)
	return r
}

func (r *Report) add(subject int, res *audit.Result, unread []audit.Unread) {
	for _, n := range res.Needs {
		n.Subject = subject
		r.Needs = append(r.Needs, n)
	}
	for _, f := range res.Findings {
		f.Subject = subject
		if f.Evidence == nil {
			f.Evidence = []audit.Evidence{}
		}
		r.Findings = append(r.Findings, f)
	}
	for _, s := range res.Skipped {
		s.Subject = subject
		r.Skipped = append(r.Skipped, s)
	}
	for _, u := range unread {
		r.Unread = append(r.Unread, Unread{Subject: subject, What: u.What, Because: u.Because})
	}
}

func describe(s *audit.Subject) Subject {
	out := Subject{Binaries: []Binary{}, Manifests: []string{}}
	if s.Image != nil {
		out.Image = describeImage(s.Image)
	}
	switch {
	case s.Dockerfile != nil:
		out.Dockerfile, out.Carried = s.Dockerfile.Path, s.DockerfileCarried
	case s.Refused != nil:
		out.Dockerfile, out.Refused = s.Refused.Path, true
	}
	if s.Context != nil {
		out.Context = s.Context.Dir
	}
	for _, p := range s.Programs {
		out.Binaries = append(out.Binaries, describeBinary(p))
	}
	return out
}

func describeImage(img *layers.Image) *Image {
	return &Image{Ref: img.Ref, Digest: img.Digest, Platform: img.Platform.String(), Layers: len(img.Layers), Predicted: img.Predicted}
}

func describeBinary(p *audit.Program) Binary {
	b := Binary{Path: p.Path, Entry: p.Entry, Opaque: p.Opaque, Toolchain: p.Toolchain}
	if p.ELF != nil {
		b.Arch = p.ELF.Arch
	}
	if p.Go != nil {
		b.Go, b.Module = p.Go.Version, mainModule(p.Go)
	}
	return b
}

func mainModule(g *binary.GoInfo) string {
	if g.Main.Path != "" {
		return g.Main.Path
	}
	return g.Path
}
