package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// state is what a stage has come to at one of its instructions. It follows dispatchStages and the dispatch functions of
// frontend/dockerfile/dockerfile2llb/convert.go.
type state struct {
	*scope
	stage *Stage
	// workdir is the working directory; unknown when it is the base image's.
	workdir    string
	workdirSet bool // workdir is known
	cmdSet     bool // CMD stands in this very stage
	// goEnv are the settings that "go env -w" wrote.
	goEnv map[string]string
	// made are directories that exist for sure: WORKDIR makes them.
	made map[string]bool
}

// defaultPath is system.DefaultPathEnv of BuildKit for Linux: every stage has a PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// evaluate computes the effective state of every stage. What BuildKit refuses here it refuses only in stages it builds.
func (r *reader) evaluate() error {
	for _, s := range r.file.Stages {
		needed := r.file.Reachable(s)
		st := r.newState(s)
		r.states[s] = st
		for _, p := range r.steps[s] {
			if !st.posix() {
				p.in.parsed = nil
			}
			if err := r.apply(st, p); err != nil && needed {
				return parser.WithLocation(err, p.cmd.Location())
			}
		}
	}
	return nil
}

// newState is the state behind FROM: the Parent's, or nothing.
func (r *reader) newState(s *Stage) *state {
	st := &state{scope: newScope(r.lex, r.file.Escape), stage: s, goEnv: map[string]string{}, made: map[string]bool{}}
	if s.Inherited != nil {
		st.inherit(s.Inherited, r.platformOf(s))
		return st
	}
	if s.Parent == nil {
		st.open = s.Base != "scratch"
		if !st.open {
			st.set("PATH", defaultPath, true)
			st.workdir, st.workdirSet = "/", true
		}
		return st
	}
	up := r.states[s.Parent]
	st.scope = up.inner(r.file.Escape)
	st.workdir, st.workdirSet = up.workdir, up.workdirSet
	for k, v := range up.goEnv {
		st.goEnv[k] = v
	}
	for d := range up.made {
		st.made[d] = true
	}
	p := s.Parent
	s.Env, s.Args = slices.Clone(p.Env), slices.Clone(p.Args)
	s.User, s.WorkDir, s.StopSignal = p.User, p.WorkDir, p.StopSignal
	s.Shell, s.Entrypoint, s.Cmd, s.Healthcheck = p.Shell, p.Entrypoint, p.Cmd, p.Healthcheck
	for _, e := range s.Env { // the image's ENV is set again, over an ARG of the same name
		st.set(e.Key, e.Value, e.Known)
	}
	return st
}

// apply takes one instruction into account.
func (r *reader) apply(st *state, p step) error {
	s := st.stage
	switch c := p.cmd.(type) {
	case *instructions.EnvCommand:
		return st.applyEnv(p, c)
	case *instructions.ArgCommand:
		return r.applyArg(st, p, c)
	case *instructions.WorkdirCommand:
		return r.applyWorkdir(st, p, c.Path)
	case *instructions.UserCommand:
		return r.setting(st, &s.User, p, c.User)
	case *instructions.StopSignalCommand:
		return r.setting(st, &s.StopSignal, p, c.Signal)
	case *instructions.ShellCommand:
		s.Shell = Command{Exec: true, Words: c.Shell, By: p.by}
	case *instructions.CmdCommand:
		s.Cmd = commandOf(p.by, c.ShellDependantCmdLine)
		st.cmdSet = true
	case *instructions.EntrypointCommand:
		s.Entrypoint = commandOf(p.by, c.ShellDependantCmdLine)
		if !st.cmdSet {
			s.Cmd = Command{Exec: true, By: p.by}
		}
	case *instructions.HealthCheckCommand:
		test := c.Health.Test
		s.Healthcheck = Command{Exec: test[0] == "CMD", None: test[0] == "NONE", Words: test[1:], By: p.by}
	case *instructions.CopyCommand:
		return r.applyCopy(st, p, c.SourcesAndDest, c.Chown, c.Chmod, c.ExcludePatterns)
	case *instructions.AddCommand:
		return r.applyCopy(st, p, c.SourcesAndDest, c.Chown, c.Chmod, c.ExcludePatterns)
	case *instructions.RunCommand:
		if err := r.applyRun(st, p, c); err != nil {
			return err
		}
		return r.refuseMounts(s, c)
	case *instructions.LabelCommand:
		return c.Expand(st.check)
	case *instructions.VolumeCommand:
		return c.Expand(st.check)
	case *instructions.ExposeCommand:
		for _, port := range c.Ports {
			if _, err := st.check(port); err != nil {
				return err
			}
		}
	}
	return nil
}

// check expands a word whose value is of no interest here; what BuildKit refuses is.
func (st *state) check(word string) (string, error) {
	_, _, err := st.expand(word)
	return word, err
}

// commandOf is the command of CMD or ENTRYPOINT.
func commandOf(in *Instruction, c instructions.ShellDependantCmdLine) Command {
	cmd := Command{Exec: !c.PrependShell, Words: slices.Clone(c.CmdLine), By: in}
	if !cmd.Exec && len(cmd.Words) == 0 {
		cmd.Words = []string{""}
	}
	return cmd
}

// setting expands a value into a Setting.
func (r *reader) setting(st *state, to *Setting, p step, word string) error {
	value, isKnown, err := st.expand(word)
	r.needs(p.in, st.scope, word, isKnown)
	*to = Setting{Value: value, Known: isKnown, By: p.by}
	return err
}

// applyWorkdir joins a relative directory with the one before.
func (r *reader) applyWorkdir(st *state, p step, word string) error {
	value, isKnown, err := st.expand(word)
	r.needs(p.in, st.scope, word, isKnown)
	if !path.IsAbs(value) && !st.workdirSet {
		isKnown = false
	}
	before := st.workdir
	st.workdir, st.workdirSet = "", isKnown
	if isKnown {
		if !path.IsAbs(value) {
			value = path.Join("/", before, value)
		}
		st.workdir = path.Clean(value)
		st.make(st.workdir)
	}
	st.stage.WorkDir = Setting{Value: st.workdir, Known: isKnown, By: p.by}
	return err
}

// make records that a directory exists, with all above it.
func (st *state) make(dir string) {
	for ; !st.made[dir]; dir = path.Dir(dir) {
		st.made[dir] = true
	}
}

// applyEnv expands all pairs in the environment before the instruction, then sets them.
func (st *state) applyEnv(p step, c *instructions.EnvCommand) error {
	vars, because := make([]EnvVar, len(c.Env)), make([][]string, len(c.Env))
	for k, pair := range c.Env {
		key, keyKnown, err := st.expand(pair.Key)
		if err != nil {
			return err
		}
		value, isKnown, err := st.expand(pair.Value)
		if err != nil {
			return err
		}
		if !keyKnown {
			continue
		}
		vars[k], because[k] = EnvVar{Key: key, Value: value, Known: isKnown, By: p.by}, st.why(pair.Value, isKnown)
		if k < len(p.in.Words) {
			vars[k].Span, vars[k].ValueSpan = p.in.pairSpans(k)
		}
	}
	for k, v := range vars {
		if v.Key != "" {
			st.define(&st.stage.Env, v)
			st.explain(v.Key, because[k])
		}
	}
	return nil
}

// applyArg follows dispatchArg: --build-arg, else the default, else the value of the ARG before FROM.
func (r *reader) applyArg(st *state, p step, c *instructions.ArgCommand) error {
	for k, arg := range c.Args {
		v := EnvVar{Key: arg.Key, By: p.by}
		if k < len(p.in.Words) {
			v.Span, v.ValueSpan = p.in.pairSpans(k)
		}
		global := r.meta.lookup(arg.Key)
		because := global.because
		if value, ok := r.file.Options.BuildArgs[arg.Key]; ok {
			v.Value, v.Known = value, true
		} else if arg.Value != nil {
			var err error
			if v.Value, v.Known, err = st.expand(*arg.Value); err != nil {
				return err
			}
			because = st.why(*arg.Value, v.Known)
		} else if global.kind == known {
			v.Value, v.Known = global.value, true
		} else if global.kind != unknown {
			st.ask(arg.Key)
			if b := st.lookup(arg.Key); b.kind == known { // an ENV or ARG before keeps its value
				v.Value, v.Known = b.value, true
			}
			st.list(&st.stage.Args, v)
			continue
		}
		st.define(&st.stage.Args, v)
		st.explain(v.Key, because)
	}
	return nil
}

// maxVariables bounds the variables of a stage, which every stage above it inherits.
const maxVariables = 4096

// define sets a variable and lists it.
func (st *state) define(list *[]EnvVar, v EnvVar) {
	st.set(v.Key, v.Value, v.Known)
	if !v.Known || len(v.Value) > maxValue {
		v.Value, v.Known = "", false
	}
	st.list(list, v)
}

// list puts a variable in a list: in the place of an earlier one of that name, else at the end.
func (st *state) list(list *[]EnvVar, v EnvVar) {
	k := slices.IndexFunc(*list, func(o EnvVar) bool { return o.Key == v.Key })
	switch {
	case k >= 0:
		(*list)[k] = v
	case len(*list) < maxVariables:
		*list = append(*list, v)
	}
}

// pairSpans gives the spans of the k-th KEY=VALUE and of its value.
func (i *Instruction) pairSpans(k int) (pair, value Span) {
	pair = i.Words[k].Span
	a, b := i.tokens[k].start, i.tokens[k].end
	word := i.joined.s[a:b]
	if i.oldPair {
		if sep, ok := blanks(word); ok {
			return pair, i.joined.span(a+sep.end, b)
		}
	} else if sep := strings.IndexByte(word, '='); sep >= 0 {
		return pair, i.joined.span(a+sep+1, b)
	}
	return pair, Span{}
}
