package main

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/report"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// firstBuilds are the trials of images as they were built before any correction, by the subjects that came of them.
type firstBuilds map[*audit.Subject]*trial

// buildFirst builds and runs what the subjects of text alone make, so that they are corrected for what only their images
// show. One that does not build, or cannot be read once it is built, is corrected for its text.
func (a *app) buildFirst(ctx context.Context, subjects []*audit.Subject, f *fixFlags, work *session) (firstBuilds, error) {
	built := firstBuilds{}
	for i, s := range subjects {
		if s.Dockerfile == nil || s.Image != nil {
			continue
		}
		t, err := a.fixTrial(ctx, s, f, work)
		if err != nil {
			return built, err
		}
		err = t.buildFirst(ctx)
		if t.subject != nil && t.subject.Dockerfile != nil {
			subjects[i] = t.subject
		}
		built[subjects[i]] = t
		if err != nil {
			return built, err
		}
	}
	return built, nil
}

// buildFirst builds and runs what is to be corrected, and keeps the image.
func (t *trial) buildFirst(ctx context.Context) (err error) {
	if err := t.makeScratch(); err != nil {
		return err
	}
	t.archive = filepath.Join(t.scratch, "built.tar")
	t.before, err = t.prove(ctx, prove.ConditionsOf(nil))
	return err
}

// close ends the trials.
func (built firstBuilds) close() {
	for _, t := range built {
		t.close()
	}
}

// fixTrial is the trial of a subject's Dockerfile as it is.
func (a *app) fixTrial(ctx context.Context, s *audit.Subject, f *fixFlags, work *session) (*trial, error) {
	opt := a.options(&f.read)
	if s.Context == nil && opt.Context == "" {
		if s.DockerfilePiped {
			return nil, &hinted{errors.New("proving a Dockerfile on standard input: it has no build context"), "name it with --context DIR"}
		}
		opt.Context = filepath.Dir(s.Dockerfile.Path)
	}
	engines, err := findEngines(ctx, f.trial.engine, true)
	if err != nil {
		return nil, err
	}
	b, err := newBuild(s, opt, &f.trial)
	if err != nil {
		return nil, err
	}
	b.NoCache = f.read.noCache
	t := &trial{app: a, work: work, needs: f.trial.needs, engines: engines, name: s.Dockerfile.Path, build: b, text: s, foretold: audit.Run(s, allRules())}
	if !s.DockerfilePiped {
		t.pair = target.Options{Dockerfile: s.Dockerfile.Path, Context: b.Context, Target: opt.Target, BuildArgs: opt.BuildArgs}
	}
	return t, t.openCache()
}

// proveFixes builds and runs what was corrected before and after, and reports whether every correction is proven. If one
// is not, none is handed out.
func (a *app) proveFixes(ctx context.Context, out *fixed, built firstBuilds, f *fixFlags, work *session, color bool) (bool, error) {
	proven := true
	for _, c := range out.of {
		p, outcome, err := a.proveFix(ctx, c, built[c.subject], f, work)
		if err != nil {
			return false, err
		}
		if p.Refused != nil {
			proven = false
			a.code = max(a.code, proofCode(outcome))
		}
		if f.quiet {
			continue
		}
		if err := p.Text(a.stderr, report.TextOptions{Color: color}); err != nil {
			return false, &unaudited{err}
		}
	}
	return proven, nil
}

// proveFix proves one correction. before is the trial of the file as it was, nil if there was none yet.
func (a *app) proveFix(ctx context.Context, c corrected, before *trial, f *fixFlags, work *session) (p *report.FixProof, outcome audit.Outcome, err error) {
	if before == nil {
		if before, err = a.fixTrial(ctx, c.subject, f, work); err != nil {
			return nil, "", err
		}
		defer before.close()
	}
	rules := c.rules()
	conditions := prove.ConditionsOf(rules)
	p = &report.FixProof{Dockerfile: c.subject.Dockerfile.Path, Before: before.before}
	if p.Before == nil || p.Before.Build.Failed == "" && len(conditions) > len(p.Before.Steps) {
		again := *before.build
		again.NoCache = again.NoCache && p.Before == nil // what was built a moment ago need not be built anew
		if p.Before, err = before.like(&again, before.foretold).prove(ctx, conditions); err != nil {
			return nil, "", err
		}
	}
	if p.After, err = before.like(c.after(before.build), nil).prove(ctx, conditions); err != nil {
		return nil, "", err
	}
	p.Refused, outcome = prove.Refusal(p.Before, p.After, rules)
	return p, outcome, nil
}

// like is a trial of another build with all else the same; it has nothing of its own to close.
func (t *trial) like(b *prove.Build, foretold *audit.Result) *trial {
	return &trial{app: t.app, work: t.work, needs: t.needs, engines: t.engines, name: t.name, build: b, cache: t.cache, text: t.text, foretold: foretold}
}

// rules are those whose findings were corrected, sorted.
func (c corrected) rules() []string {
	var ids []string
	for _, x := range c.Applied {
		ids = append(ids, x.Finding.Rule)
	}
	for _, x := range c.Gone {
		ids = append(ids, x.Finding.Rule)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// after is the build of the corrected files.
func (c corrected) after(before *prove.Build) *prove.Build {
	b := *before
	for _, x := range c.Files {
		switch {
		case x.Path == c.subject.Dockerfile.Path:
			b.Dockerfile = x.After
		case path.Ext(filepath.ToSlash(x.Path)) == ".dockerignore":
			b.Ignore = x.After
		}
	}
	return &b
}
