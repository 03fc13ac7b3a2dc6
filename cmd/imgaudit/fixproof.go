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
)

// proveFixes builds and runs what was corrected before and after, and reports whether every correction is proven. If one
// is not, none is handed out.
func (a *app) proveFixes(ctx context.Context, out *fixed, f *fixFlags, work *session, color bool) (bool, error) {
	proven := true
	for _, c := range out.of {
		p, outcome, err := a.proveFix(ctx, c, f, work)
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

// proveFix proves one correction.
func (a *app) proveFix(ctx context.Context, c corrected, f *fixFlags, work *session) (*report.FixProof, audit.Outcome, error) {
	opt := a.options(&f.read)
	if c.subject.Context == nil && opt.Context == "" {
		if c.subject.DockerfilePiped {
			return nil, "", &hinted{errors.New("proving a Dockerfile on standard input: it has no build context"), "name it with --context DIR"}
		}
		opt.Context = filepath.Dir(c.subject.Dockerfile.Path)
	}
	engines, err := findEngines(ctx, f.trial.engine, true)
	if err != nil {
		return nil, "", err
	}
	b, err := newBuild(c.subject, opt, &f.trial)
	if err != nil {
		return nil, "", err
	}
	b.NoCache = f.read.noCache
	var fixed []string
	for _, x := range c.Applied {
		fixed = append(fixed, x.Finding.Rule)
	}
	for _, x := range c.Gone {
		fixed = append(fixed, x.Finding.Rule)
	}
	slices.Sort(fixed)
	fixed = slices.Compact(fixed)
	one := func(b *prove.Build, foretold *audit.Result) (*audit.Proof, error) {
		t := &trial{app: a, work: work, needs: f.trial.needs, engines: engines, name: c.subject.Dockerfile.Path, build: b, text: c.subject, foretold: foretold}
		if err := t.openCache(); err != nil {
			return nil, err
		}
		defer t.close()
		return t.prove(ctx, prove.ConditionsOf(fixed))
	}
	p := &report.FixProof{Dockerfile: c.subject.Dockerfile.Path}
	if p.Before, err = one(b, audit.Run(c.subject, allRules())); err != nil {
		return nil, "", err
	}
	if p.After, err = one(c.after(b), nil); err != nil {
		return nil, "", err
	}
	refused, outcome := prove.Refusal(p.Before, p.After, fixed)
	p.Refused = refused
	return p, outcome, nil
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
