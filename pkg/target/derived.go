package target

import (
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// deriveBase reads the Dockerfile again with what the image says of its base image: whatever the Dockerfile sets nowhere
// between that and the final stage, the image has from there. It does so only where the image is known to be built from
// the Dockerfile.
func deriveBase(s *audit.Subject) {
	if s.Image == nil || s.Image.Predicted || s.Dockerfile == nil {
		return
	}
	if fits, _ := s.DockerfileFits(); !fits {
		return
	}
	root := s.Dockerfile.Final().Root()
	base := derivedBase(s)
	if root.Base == "" || root.Scratch() || base == nil {
		return
	}
	opt := s.Dockerfile.Options
	opt.Bases = func(ref, platform string) *dockerfile.Base {
		if ref != root.Base || root.Platform != "" && platform != root.Platform || root.Platform == "" && platform != s.Image.Platform.String() {
			return nil
		}
		return base
	}
	if f, err := dockerfile.Parse(s.Dockerfile.Path, s.Dockerfile.Source, opt); err == nil {
		s.Dockerfile = f
		s.Prepare()
	}
}

// derivedBase is what the image has that the Dockerfile does not set, nil if that cannot be told apart.
func derivedBase(s *audit.Subject) *dockerfile.Base {
	final, c := s.Dockerfile.Final(), s.Image.Config
	b := &dockerfile.Base{Unknown: []string{"ONBUILD"}}
	for stage := final; stage != nil; stage = stage.Parent {
		for _, in := range slices.Concat(stage.Triggers, stage.Instructions) {
			if in.Keyword == "ENV" && slices.ContainsFunc(in.Words, hasNamedKey) {
				return nil
			}
		}
	}
	for _, v := range final.Env {
		b.UnknownEnv = append(b.UnknownEnv, v.Key)
	}
	for _, kv := range c.Env {
		if key, _, _ := strings.Cut(kv, "="); !slices.Contains(b.UnknownEnv, key) {
			b.Env = append(b.Env, kv)
		}
	}
	for _, setting := range []struct {
		keyword string
		by      *dockerfile.Instruction
		take    func()
	}{
		{"USER", final.User.By, func() { b.User = c.User }},
		{"WORKDIR", final.WorkDir.By, func() { b.WorkDir = c.WorkingDir }},
		{"STOPSIGNAL", final.StopSignal.By, func() { b.StopSignal = c.StopSignal }},
		{"ENTRYPOINT", final.Entrypoint.By, func() { b.Entrypoint = c.Entrypoint }},
		{"CMD", final.Cmd.By, func() { b.Cmd = c.Cmd }},
		{"SHELL", final.Shell.By, func() { b.Shell = c.Shell }},
		{"HEALTHCHECK", final.Healthcheck.By, func() { b.Healthcheck = c.Healthcheck }},
	} {
		if setting.by == nil {
			setting.take()
		} else {
			b.Unknown = append(b.Unknown, setting.keyword)
		}
	}
	return b
}

// hasNamedKey reports whether the name of a variable depends on another one.
func hasNamedKey(w dockerfile.Word) bool {
	key, _, _ := strings.Cut(w.Value, "=")
	return strings.Contains(key, "$")
}
