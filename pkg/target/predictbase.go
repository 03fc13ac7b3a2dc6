package target

import (
	"errors"
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// imageRead is a base image, or why it cannot be had.
type imageRead struct {
	image *layers.Image
	err   error
}

// because says why the files of the image are not known.
func (r *imageRead) because() string {
	switch {
	case r.err != nil:
		return reason(r.err)
	case len(r.image.Unread) > 0:
		return r.image.Unread[0].What + ": " + r.image.Unread[0].Because
	}
	return "its files could not be read"
}

// read reads an image that the Dockerfile names from its registry, or one whose name has none from an engine of this
// machine, which must have it to build; its config alone, or all of it.
func (p *predictor) read(name, platform string, configOnly bool) *imageRead {
	key := platform + " " + name
	if configOnly {
		if r := p.images[key]; r != nil {
			return r
		}
		key = "config " + key
	}
	if r := p.images[key]; r != nil {
		return r
	}
	r := &imageRead{}
	opt := layers.Options{
		Platform: platform, Progress: p.opt.Progress, Cache: p.opt.Cache, InsecureRegistries: p.opt.InsecureRegistries,
		CAFiles: p.opt.CAFiles, Offline: p.opt.Offline, ConfigOnly: configOnly,
	}
	r.image, r.err = layers.Read(p.ctx, layers.Registry, name, opt)
	if errors.Is(r.err, layers.ErrUnqualified) {
		r.image, r.err = p.local(name, opt)
	}
	if r.err == nil && r.image == nil {
		r.err = errors.New("no such image")
	}
	p.images[key] = r
	return r
}

// local reads an image from the first engine of this machine that has it.
func (p *predictor) local(name string, opt layers.Options) (*layers.Image, error) {
	for _, kind := range []layers.Kind{layers.Docker, layers.Podman} {
		if img, err := layers.Read(p.ctx, kind, name, opt); err == nil && img != nil {
			return img, nil
		}
	}
	return nil, fmt.Errorf("reading %s: %w, and no local engine has it: pull it with docker or podman", name, layers.ErrUnqualified)
}

// config is what a stage inherits, as pkg/dockerfile asks for it; nil if the image cannot be had.
func (p *predictor) config(ref, platform string) *dockerfile.Base {
	r := p.read(ref, platform, true)
	if r.err != nil {
		return nil
	}
	c := r.image.Config
	return &dockerfile.Base{Env: c.Env, User: c.User, WorkDir: c.WorkingDir, StopSignal: c.StopSignal, Entrypoint: c.Entrypoint,
		Cmd: c.Cmd, Shell: c.Shell, Healthcheck: c.Healthcheck, OnBuild: c.OnBuild}
}

// why says why the config of a base image is not known.
func (p *predictor) why(ref string) string {
	for key, r := range p.images {
		if r.err != nil && (key == ref || len(key) > len(ref) && key[len(key)-len(ref)-1:] == " "+ref) {
			return reason(r.err)
		}
	}
	return "its base image is not known"
}

// platformOf is the platform for which a stage is built.
func (p *predictor) platformOf(s *dockerfile.Stage) string {
	if root := s.Root(); root.Platform != "" {
		return root.Platform
	}
	return p.platform().String()
}

// configOf is the config that the stage ends with, in the order in which BuildKit has it.
// Source: dispatchStages and the dispatch functions of frontend/dockerfile/dockerfile2llb/convert.go.
func (p *predictor) configOf(s *dockerfile.Stage, m *made) layers.Config {
	c := layers.Config{WorkingDir: "/"}
	if m.base != nil {
		c = m.base.Config
	} else if root := s.Root(); root.Inherited != nil { // its files could not be read
		if r := p.read(root.Base, p.platformOf(s), true); r.err == nil {
			c = r.image.Config
		}
	}
	c.Env = envOf(s, c.Env)
	c.User, c.StopSignal = s.User.Value, s.StopSignal.Value
	c.WorkingDir = m.workdir
	if s.WorkDir.By == nil && m.base != nil { // as the image says it, "" too
		c.WorkingDir = m.base.Config.WorkingDir
	}
	c.Shell = slices.Clone(s.Shell.Words)
	if s.Entrypoint.By != nil {
		c.Entrypoint = p.words(s, s.Entrypoint)
	}
	if s.Cmd.By != nil {
		c.Cmd = nil
		if s.Cmd.By.Keyword == "CMD" {
			c.Cmd = p.words(s, s.Cmd)
		}
	}
	if h := s.Healthcheck; h.By != nil {
		switch {
		case h.None:
			c.Healthcheck = []string{"NONE"}
		case h.Exec:
			c.Healthcheck = append([]string{"CMD"}, h.Words...)
		default:
			c.Healthcheck = append([]string{"CMD-SHELL"}, h.Words...)
		}
	}
	c.OnBuild = nil // what the base had was run
	for _, in := range s.Instructions {
		if in.Keyword == "ONBUILD" {
			c.OnBuild = append(c.OnBuild, in.OnBuild)
		}
	}
	p.lists(s, &c)
	return c
}

// envOf gives the environment: what the base has in its order, then what the Dockerfile adds in its own.
func envOf(s *dockerfile.Stage, base []string) []string {
	env := slices.Clone(base)
	set := func(key, value string) {
		for i, kv := range env {
			if len(kv) > len(key) && kv[:len(key)] == key && kv[len(key)] == '=' {
				env[i] = key + "=" + value
				return
			}
		}
		env = append(env, key+"="+value)
	}
	const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if !slices.ContainsFunc(env, func(kv string) bool { return len(kv) > 5 && kv[:5] == "PATH=" }) {
		set("PATH", path) // system.DefaultPathEnv
	}
	for _, v := range s.Env {
		if v.By != nil {
			set(v.Key, v.Value)
		}
	}
	return env
}

// words are a command as the config has it: the shell form behind the SHELL that is in force where it stands.
func (p *predictor) words(s *dockerfile.Stage, c dockerfile.Command) []string {
	if c.Exec {
		return slices.Clone(c.Words)
	}
	shell := []string{"/bin/sh", "-c"}
	if root := s.Root(); root.Inherited != nil && len(root.Inherited.Shell) > 0 {
		shell = root.Inherited.Shell
	}
	for _, in := range chainOf(s) {
		if in == c.By {
			break
		}
		if in.Keyword == "SHELL" && len(in.Words) > 0 {
			shell = nil
			for _, w := range in.Words {
				shell = append(shell, w.Value)
			}
		}
	}
	return append(slices.Clone(shell), c.Words...)
}

// chainOf lists the instructions of a stage behind those of the stages it starts from.
func chainOf(s *dockerfile.Stage) []*dockerfile.Instruction {
	if s == nil {
		return nil
	}
	return slices.Concat(chainOf(s.Parent), s.Triggers, s.Instructions)
}

// unsure says why not even the config is known, "" if it is.
func (p *predictor) unsure(s *dockerfile.Stage) string {
	root := s.Root()
	if !root.Scratch() && root.Inherited == nil {
		return p.stage(s).lost
	}
	for _, v := range s.Env {
		if v.By != nil && !v.Known {
			return notKnown(v.By, "the value of "+v.Key)
		}
	}
	for _, v := range []dockerfile.Setting{s.User, s.WorkDir, s.StopSignal} {
		if v.By != nil && !v.Known {
			return notKnown(v.By, "its value")
		}
	}
	return ""
}
