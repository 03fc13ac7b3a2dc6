package target

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// predictor foretells the image that BuildKit makes of a Dockerfile, without building it. What it says is exact: from
// the first instruction on whose effect it does not know exactly, nothing is said of the files.
type predictor struct {
	ctx     context.Context
	opt     Options
	file    *dockerfile.File // read with the configs of its base images
	context *dockerfile.Context
	stages  map[*dockerfile.Stage]*made
	images  map[string]*imageRead
	tree    *layers.FS // the context as a builder gets it, nil until it is needed
	builder builder    // compiles programs, if that is wanted
}

// made is what a stage has come to at one of its instructions.
type made struct {
	base   *layers.Image // nil for scratch
	added  []layers.Addition
	image  *layers.Image // base and the first merged of added
	merged int
	// lost is why nothing is known of the files, "" if they are known but for what is in hazy trees.
	lost string
	hazy []string
	// outputs are the programs that go builds of the stage wrote, by path.
	outputs map[string]*output
	built   map[string]origin // programs among the files, by path
	user    string
	workdir string
}

// predict puts the image that the subject's Dockerfile will make into the subject, as far as it can be foretold.
func predict(ctx context.Context, s *audit.Subject, opt Options) {
	p := &predictor{ctx: ctx, opt: opt, context: s.Context, stages: map[*dockerfile.Stage]*made{}, images: map[string]*imageRead{}}
	img, m, because := p.run(s)
	if because != "" {
		s.Unpredicted = because
	}
	if img == nil {
		return
	}
	img.Ref, img.Source = s.Dockerfile.Path, "predicted"
	if img.FS == nil {
		s.Image = img
		m.alone(s, img.Config)
		return
	}
	s.Dockerfile = p.file // which knows its base images
	readImage(s, Target{Arg: s.Dockerfile.Path}, img, Options{Progress: opt.Progress})
	for _, prog := range s.Programs {
		if o, ok := m.built[prog.Path]; ok {
			prog.Predicted = true
			o.correct(prog)
		}
	}
}

// run foretells the final stage.
func (p *predictor) run(s *audit.Subject) (img *layers.Image, m *made, because string) {
	if front := s.Dockerfile.Syntax; front != "" && !strings.Contains(front, "docker/dockerfile") {
		return nil, nil, notYet + "what the frontend " + front + " does"
	}
	o := s.Dockerfile.Options
	o.Bases = p.config
	f, err := dockerfile.Parse(s.Dockerfile.Path, s.Dockerfile.Source, o)
	if err != nil {
		return nil, nil, notYet + err.Error()
	}
	p.file = f
	if tooLong(f) {
		return nil, nil, notYet + "the Dockerfile is too long to be followed"
	}
	final := f.Final()
	m = p.stage(final)
	if because := p.unsure(final); because != "" {
		return nil, m, because
	}
	if m.lost == "" {
		for _, at := range slices.Sorted(maps.Keys(m.outputs)) { // what the final stage itself builds
			if err := p.realize(m, at); err != nil {
				return p.withoutFiles(final, m), m, notYet + err.Error()
			}
		}
	}
	img, err = m.lay()
	switch {
	case m.lost != "":
		because, img = m.lost, p.withoutFiles(final, m)
	case len(m.hazy) > 0:
		because, img = notYet+"what a RUN leaves in "+m.hazy[0], p.withoutFiles(final, m)
	case err != nil:
		because, img = notYet+err.Error(), p.withoutFiles(final, m)
	}
	img.Config, img.Platform = p.configOf(final, m), p.platform()
	return img, m, because
}

// tooLong reports whether a Dockerfile is no person's: what follows it goes back to its begin for every line.
func tooLong(f *dockerfile.File) bool {
	const stages, instructions = 500, 5000
	n := 0
	for _, s := range f.Stages {
		n += len(s.Triggers) + len(s.Instructions)
	}
	return len(f.Stages) > stages || n > instructions
}

// withoutFiles is an image of which only the config is known.
func (p *predictor) withoutFiles(s *dockerfile.Stage, m *made) *layers.Image {
	img := &layers.Image{Predicted: true, Config: p.configOf(s, m), Platform: p.platform()}
	if m.base != nil {
		img.History = slices.Clone(m.base.History)
	}
	for _, a := range m.added {
		a.Step.Empty, a.Step.Layer = a.Files == nil, -1
		img.History = append(img.History, a.Step)
	}
	return img
}

// platform is what the image is for.
func (p *predictor) platform() layers.Platform {
	name := p.file.Options.Platform
	if name == "" {
		name = "linux/amd64"
	}
	parts := append(strings.SplitN(name, "/", 3), "", "")
	return layers.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

// stage follows the instructions of a stage, once.
func (p *predictor) stage(s *dockerfile.Stage) *made {
	if m := p.stages[s]; m != nil {
		return m
	}
	m := p.from(s)
	p.stages[s] = m
	for _, in := range slices.Concat(s.Triggers, s.Instructions) {
		p.apply(s, m, in)
	}
	return m
}

// from is what FROM begins with.
func (p *predictor) from(s *dockerfile.Stage) *made {
	if s.Parent != nil {
		up := *p.stage(s.Parent)
		up.added, up.hazy = slices.Clone(up.added), slices.Clone(up.hazy)
		up.outputs, up.built = maps.Clone(up.outputs), maps.Clone(up.built)
		return &up
	}
	m := &made{outputs: map[string]*output{}, built: map[string]origin{}, workdir: "/"}
	switch {
	case s.Scratch():
		return m
	case s.Base == "":
		m.lose(s.From, "its base image is not known")
		return m
	case s.Inherited == nil:
		m.lose(s.From, p.why(s.Base))
		return m
	}
	m.user = s.Inherited.User
	if s.Inherited.WorkDir != "" {
		m.workdir = s.Inherited.WorkDir
	}
	img := p.read(s.Base, p.platformOf(s), false)
	if img.err != nil || img.image.FS == nil {
		m.lose(s.From, img.because())
		return m
	}
	m.base = img.image
	return m
}
