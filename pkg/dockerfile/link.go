package dockerfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// link resolves the names between stages: what FROM, COPY --from and the mounts of RUN mean. The rules are those of
// toDispatchState in frontend/dockerfile/dockerfile2llb/convert.go.
func (r *reader) link(stages []instructions.Stage, metaArgs []instructions.ArgCommand) error {
	if err := r.metaScope(stages, metaArgs); err != nil {
		return err
	}
	for k, s := range r.file.Stages {
		if err := r.linkFrom(s, stages[k]); err != nil {
			return parser.WithLocation(err, stages[k].Location)
		}
	}
	if t := r.file.Options.Target; t != "" && r.stageNamed(t) == nil {
		return fmt.Errorf("target stage %q could not be found%w", t, errNotRefused)
	}
	for _, s := range r.file.Stages {
		if err := r.parentTriggers(s); err != nil {
			return parser.WithLocation(err, stages[s.Index].Location)
		}
		if err := r.linkSteps(s, r.steps[s]); err != nil {
			return err
		}
	}
	r.file.reach()
	if err := r.inheritBases(stages); err != nil {
		return err
	}
	if err := r.refuseCycles(stages); err != nil {
		return err
	}
	for _, i := range r.images {
		if err := checkReference(i.name); err != nil {
			return parser.WithLocation(fmt.Errorf("failed to parse stage name %q: %w", i.name, err), i.location)
		}
	}
	return r.refuseForward()
}

// metaScope computes the ARGs before the first FROM, like buildMetaArgs in dockerfile2llb/convert.go.
func (r *reader) metaScope(stages []instructions.Stage, metaArgs []instructions.ArgCommand) error {
	target := r.file.Options.Target
	if target == "" {
		target = stages[len(stages)-1].Name
	}
	r.given = newScope(r.lex, r.file.Escape)
	r.given.names = make(map[string]binding, 16)
	for _, arg := range predefined(r.file.Options, target) {
		r.given.set(arg[0], arg[1], true)
	}
	r.meta = r.given.inner(r.file.Escape)
	for _, c := range metaArgs {
		for _, arg := range c.Args {
			if v, ok := r.file.Options.BuildArgs[arg.Key]; ok {
				r.meta.set(arg.Key, v, true)
				continue
			}
			if arg.Value == nil {
				r.meta.ask(arg.Key)
				continue
			}
			value, isKnown, err := r.meta.expand(*arg.Value)
			if err != nil {
				return parser.WithLocation(err, c.Location())
			}
			because := r.meta.why(*arg.Value, isKnown)
			r.meta.set(arg.Key, value, isKnown)
			r.meta.explain(arg.Key, because)
		}
	}
	return nil
}

// linkFrom resolves a FROM. Only the stages above count, and their names are lower case: BuildKit takes "FROM Build" for
// an image.
func (r *reader) linkFrom(s *Stage, from instructions.Stage) error {
	base, isKnown, err := r.meta.expand(from.BaseName)
	if err != nil {
		return err
	}
	if isKnown && base == "" {
		return fmt.Errorf("base name (%s) should not be blank", from.BaseName)
	}
	s.Base = base
	r.needs(s.From, r.meta, from.BaseName, isKnown)
	if isKnown {
		for _, above := range r.file.Stages[:s.Index] {
			if above.Name == base {
				s.Parent = above
			}
		}
		if s.Parent == nil && base != "scratch" {
			r.images = append(r.images, image{base, from.Location})
		}
	}
	s.Platform, isKnown, err = r.meta.expand(from.Platform)
	if err == nil && isKnown && from.Platform != "" {
		err = checkPlatform(from.Platform, s.Platform)
	}
	r.needs(s.From, r.meta, from.Platform, isKnown)
	return err
}

// stageNamed finds the stage that a name means outside FROM: the last one called so, wherever it stands.
func (r *reader) stageNamed(name string) *Stage {
	for k := len(r.file.Stages) - 1; k >= 0; k-- {
		if s := r.file.Stages[k]; s.Name != "" && s.Name == strings.ToLower(name) {
			return s
		}
	}
	return nil
}

// linkSteps links instructions of a stage.
func (r *reader) linkSteps(s *Stage, steps []step) error {
	for _, st := range steps {
		if err := r.linkStep(s, st); err != nil {
			return parser.WithLocation(err, st.cmd.Location())
		}
	}
	return nil
}

// linkStep records which stages an instruction needs.
func (r *reader) linkStep(s *Stage, st step) error {
	switch c := st.cmd.(type) {
	case *instructions.CopyCommand:
		from, err := r.copySource(c.From)
		if err != nil {
			return err
		}
		if from != nil {
			r.file.depend(s, from)
		} else if c.From != "" {
			r.images = append(r.images, image{c.From, c.Location()})
		}
		st.in.Copy = &Copy{From: from}
		if from == nil {
			st.in.Copy.FromImage = c.From
		}
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(c) {
			if from := r.stageNamed(m.From); from != nil {
				r.file.depend(s, from)
			}
		}
	}
	return nil
}

// copySource resolves COPY --from: an index of a stage, a stage's name, else an image (nil).
func (r *reader) copySource(from string) (*Stage, error) {
	if from == "" {
		return nil, nil
	}
	literal, err := r.lex.ProcessWordWithMatches(readable(from), environment{})
	if err != nil {
		return nil, err
	}
	if literal.Result != from {
		return nil, errors.New("variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround")
	}
	index, err := strconv.Atoi(from)
	if err != nil {
		return r.stageNamed(from), nil
	}
	if index < 0 || index >= len(r.file.Stages) {
		return nil, fmt.Errorf("invalid stage index %d", index)
	}
	return r.file.Stages[index], nil
}

// image is the name of an image with the lines that name it.
type image struct {
	name     string
	location []parser.Range
}

// refuseCycles refuses a stage that needs itself, directly or through others.
func (r *reader) refuseCycles(stages []instructions.Stage) error {
	for _, s := range r.file.Stages {
		if r.dependsOn(s, s, map[*Stage]bool{}) {
			return parser.WithLocation(fmt.Errorf("circular dependency detected on stage: %s", s.label()), stages[s.Index].Location)
		}
	}
	return nil
}

// refuseForward refuses a COPY from a stage further below, in the stages that are built.
func (r *reader) refuseForward() error {
	for _, s := range r.file.Stages {
		if !r.file.Reachable(s) {
			continue
		}
		for _, st := range r.steps[s] {
			if c := st.in.Copy; c != nil && c.From != nil && c.From.Index > s.Index {
				return parser.WithLocation(fmt.Errorf("cannot copy from stage %q, it needs to be defined before current stage %q",
					st.cmd.(*instructions.CopyCommand).From, s.label()), st.cmd.Location())
			}
		}
	}
	return nil
}

// refuseMounts refuses a mount from a stage further below.
func (r *reader) refuseMounts(s *Stage, c *instructions.RunCommand) error {
	for _, m := range instructions.GetMounts(c) {
		if from := r.stageNamed(m.From); from != nil && from.Index > s.Index {
			return fmt.Errorf("cannot mount from stage %q to %q, stage needs to be defined before current command", m.From, m.Target)
		}
	}
	return nil
}

// label names a stage in messages as BuildKit does.
func (s *Stage) label() string {
	if s.Name != "" {
		return s.Name
	}
	return fmt.Sprintf("stage-%d", s.Index)
}

// dependsOn reports whether building from needs to, looking at dependencies only.
func (r *reader) dependsOn(from, to *Stage, seen map[*Stage]bool) bool {
	for _, d := range r.file.deps[from] {
		if d == to {
			return true
		}
		if !seen[d] {
			seen[d] = true
			if r.dependsOn(d, to, seen) {
				return true
			}
		}
	}
	return false
}

func (f *File) final() *Stage {
	last := f.Stages[len(f.Stages)-1]
	if f.Options.Target == "" {
		return last
	}
	for k := len(f.Stages) - 1; k >= 0; k-- {
		if f.Stages[k].Name == strings.ToLower(f.Options.Target) {
			return f.Stages[k]
		}
	}
	return last
}

// reach marks the stages that building the final one needs.
func (f *File) reach() {
	f.needed = map[*Stage]bool{}
	queue := []*Stage{f.final()}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		if next == nil || f.needed[next] {
			continue
		}
		f.needed[next] = true
		queue = append(append(queue, next.Parent), f.deps[next]...)
	}
}

// depend records that a stage needs another one.
func (f *File) depend(s, on *Stage) {
	if !slices.Contains(f.deps[s], on) {
		f.deps[s] = append(f.deps[s], on)
	}
}
