package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Base is what a stage inherits from the config of its base image (image-spec config.md, and the health check and
// triggers that Docker adds to it). It is not changed.
type Base struct {
	Env                       []string // KEY=VALUE
	User, WorkDir, StopSignal string
	Entrypoint, Cmd, Shell    []string
	Healthcheck               []string // as the config has it: CMD and words, CMD-SHELL and a text, NONE; nil for none
	OnBuild                   []string
	Platform                  string // "os/arch[/variant]" that the image says it is for, "" if it is not known
	// Unknown are the keywords of the settings that are not known ("USER"), UnknownEnv the variables whose value is not,
	// if they have one. Both are empty for a config that was read.
	Unknown, UnknownEnv []string
}

// inheritBases asks for the config of the base images of the stages that are built, and links what their triggers need,
// which may be more stages.
func (r *reader) inheritBases(stages []instructions.Stage) error {
	ask := r.file.Options.Bases
	if ask == nil {
		return nil
	}
	asked := map[*Stage]bool{}
	for more := true; more; {
		more = false
		for _, s := range r.file.Stages {
			if asked[s] || s.Parent != nil || s.Base == "" || s.Scratch() || !r.file.Reachable(s) {
				continue
			}
			asked[s], more = true, true
			if s.Inherited = ask(s.Base, r.platformOf(s)); s.Inherited == nil {
				continue
			}
			var triggers []step
			for _, text := range s.Inherited.OnBuild {
				t, err := r.trigger(s, text, nil)
				if err != nil {
					return parser.WithLocation(err, stages[s.Index].Location)
				}
				triggers = append(triggers, t)
			}
			r.prepend(s, triggers)
			if err := r.linkSteps(s, triggers); err != nil {
				return parser.WithLocation(err, stages[s.Index].Location)
			}
			r.file.reach()
		}
	}
	return nil
}

// platformOf is the platform for which a stage's base image is taken.
func (r *reader) platformOf(s *Stage) string {
	if s.Platform != "" {
		return s.Platform
	}
	return r.meta.lookup("TARGETPLATFORM").value
}

// inherit starts a stage from the config of its base image, as dispatchStages in dockerfile2llb/convert.go does.
func (st *state) inherit(b *Base, platform string) {
	s := st.stage
	for _, kv := range b.Env {
		key, value, _ := strings.Cut(kv, "=")
		st.define(&s.Env, EnvVar{Key: key, Value: value, Known: true})
	}
	for _, key := range b.UnknownEnv {
		st.set(key, "", false)
	}
	if st.lookup("PATH").kind == undefined && !strings.HasPrefix(platform, "windows") {
		st.define(&s.Env, EnvVar{Key: "PATH", Value: defaultPath, Known: true})
	}
	known := func(keyword string) bool { return !slices.Contains(b.Unknown, keyword) }
	if known("WORKDIR") {
		st.workdir, st.workdirSet = path.Join("/", b.WorkDir), true
		s.WorkDir = Setting{Value: st.workdir, Known: true}
	}
	s.User = Setting{Value: b.User, Known: known("USER")}
	s.StopSignal = Setting{Value: b.StopSignal, Known: known("STOPSIGNAL")}
	s.Shell, s.Entrypoint, s.Cmd = inherited(b.Shell), inherited(b.Entrypoint), inherited(b.Cmd)
	if test := b.Healthcheck; len(test) > 0 {
		s.Healthcheck = Command{Exec: test[0] == "CMD", None: test[0] == "NONE", Words: slices.Clone(test[1:])}
	}
}

// inherited is a command of the base image: a config has the exec form only.
func inherited(words []string) Command {
	if len(words) == 0 {
		return Command{}
	}
	return Command{Exec: true, Words: slices.Clone(words)}
}
