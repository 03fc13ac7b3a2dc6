package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/cache"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// allRules are all rules; the name rules is taken by a verb's flags in places.
func allRules() []*audit.Rule { return rules.All() }

// trial is what is proven, and with what.
type trial struct {
	app     *app
	work    *session
	needs   prove.Needs
	engines *prove.Engines
	name    string       // of what is proven, as the user wrote it
	build   *prove.Build // nil when there is an archive
	archive string       // of an image
	pair    target.Options
	cache   *cache.Store // for the audits of changed images, which have their programs in common
	scratch string       // a directory of what lasts as long as the trial
	release func() error // removes it, nil if there is none

	text     *audit.Subject // of the Dockerfile, before it is built
	foretold *audit.Result
	subject  *audit.Subject // of the image as it was built, with its Dockerfile
	result   *audit.Result
	before   *audit.Proof // of a file that is to be corrected, as it was; nil if there is none
}

// newTrial reads what is to be proven, and finds the engines. Nothing is executed yet.
func (a *app) newTrial(ctx context.Context, arg string, read *readFlags, f *trialFlags, work *session) (t *trial, err error) {
	if read.platform == "all" {
		return nil, errors.New("reading --platform: one platform is proven at a time")
	}
	named, err := target.Detect(arg)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t = &trial{app: a, work: work, needs: f.needs, name: arg}
	opt := a.options(read)
	opt.Cache = work.cache
	switch {
	case err != nil:
		return nil, &unaudited{err}
	case named.Kind == target.Binary || arg == "-":
		return nil, fmt.Errorf("proving %s: a directory, a Dockerfile or an image can be proven", arg)
	case named.IsImage():
		err = t.take(ctx, named, opt)
	default:
		err = t.read(ctx, named, opt, f, read.noCache)
	}
	if err == nil {
		t.engines, err = findEngines(ctx, f.engine, t.build != nil)
	}
	if err == nil {
		err = t.openCache()
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// findEngines finds what builds and runs.
func findEngines(ctx context.Context, name string, build bool) (*prove.Engines, error) {
	engines, err := prove.Find(ctx, name, build)
	var none *prove.NoEngine
	if errors.As(err, &none) {
		return nil, &unaudited{withHint(err)}
	}
	return engines, err
}

// take takes an image that is there, from wherever it is.
func (t *trial) take(ctx context.Context, named target.Target, opt target.Options) (err error) {
	if err := t.makeScratch(); err != nil {
		return err
	}
	t.archive = filepath.Join(t.scratch, "image.tar")
	from := layers.Options{Platform: opt.Platform, InsecureRegistries: opt.InsecureRegistries, CAFiles: opt.CAFiles, Offline: opt.Offline}
	if _, err := layers.Export(ctx, named.ImageKind(), named.Name, from, t.archive); err != nil {
		return &unaudited{err}
	}
	t.work.timings.mark("image")
	t.pair = target.Options{Dockerfile: opt.Dockerfile, Context: opt.Context, Target: opt.Target, BuildArgs: opt.BuildArgs}
	return nil
}

// read reads the Dockerfile that is built, and what the audit says of it before.
func (t *trial) read(ctx context.Context, named target.Target, opt target.Options, f *trialFlags, fresh bool) error {
	if opt.Context == "" && named.Kind == target.Dockerfile {
		opt.Context = filepath.Dir(named.Name)
	}
	s, err := t.app.one(ctx, named.Arg, opt)
	if err != nil {
		return err
	}
	t.work.timings.mark("subjects")
	t.text, t.foretold = s, audit.Run(s, allRules())
	b, err := newBuild(s, opt, f)
	if err != nil {
		return err
	}
	if b.Context == "" {
		b.Context = named.Name // the directory that was named; a Dockerfile has its own
	}
	b.NoCache = fresh
	t.build = b
	t.pair = target.Options{Dockerfile: dockerfilePath(s), Context: b.Context, Target: opt.Target, BuildArgs: opt.BuildArgs}
	return nil
}

// dockerfilePath is the Dockerfile's.
func dockerfilePath(s *audit.Subject) string {
	if s.Dockerfile != nil {
		return s.Dockerfile.Path
	}
	return s.Refused.Path
}

// newBuild is the build of a subject's Dockerfile.
func newBuild(s *audit.Subject, opt target.Options, f *trialFlags) (*prove.Build, error) {
	b := &prove.Build{Context: opt.Context, Target: opt.Target, Platform: opt.Platform, BuildArgs: opt.BuildArgs, Secrets: f.secrets, Contexts: map[string]string{}}
	for _, kv := range f.contexts {
		name, from, _ := strings.Cut(kv, "=")
		b.Contexts[name] = from
	}
	if s.Refused != nil {
		b.Dockerfile = s.Refused.Source
		return b, nil
	}
	b.Dockerfile = s.Dockerfile.Source
	if s.Context == nil {
		return b, nil
	}
	b.Context = s.Context.Dir
	ignore, err := ownIgnore(s.Context)
	b.Ignore = ignore
	return b, err
}

// ownIgnore is the ignore file that belongs to the Dockerfile alone, nil if it has none: the Dockerfile is built from
// another place, where a builder would not find it.
func ownIgnore(c *dockerfile.Context) ([]byte, error) {
	if c.IgnoreFile == "" || c.IgnoreFile == ".dockerignore" {
		return nil, nil
	}
	text, err := fs.ReadFile(c.FS, c.IgnoreFile)
	if err != nil {
		text, err = os.ReadFile(filepath.FromSlash(c.IgnoreFile))
	}
	if err != nil {
		return nil, &unaudited{fmt.Errorf("reading the ignore file: %w", err)}
	}
	return text, nil
}

// openCache takes the session's cache, or one that lasts as long as the proof.
func (t *trial) openCache() (err error) {
	if t.cache = t.work.cache; t.cache != nil {
		return nil
	}
	if err := t.makeScratch(); err != nil {
		return err
	}
	t.cache, err = cache.Open(filepath.Join(t.scratch, "cache"))
	t.work.warn(err)
	return nil
}

// close removes what was made for the trial.
func (t *trial) close() {
	if t.work.cache == nil {
		t.work.warn(t.cache.Close())
	}
	if t.release != nil {
		t.work.warn(t.release())
	}
}

// makeScratch makes the directory of what lasts as long as the trial.
func (t *trial) makeScratch() (err error) {
	if t.release != nil {
		return nil
	}
	if t.scratch, t.release, err = prove.Scratch(); err != nil {
		return &unaudited{err}
	}
	return nil
}

// announce says on standard error what will be executed, after it has removed what dead proofs left behind.
func (t *trial) announce(ctx context.Context) error {
	gone, err := prove.Leftovers(ctx)
	for _, name := range gone {
		fmt.Fprintf(t.app.stderr, "imgaudit: removed %s, left behind by a proof that was killed\n", name)
	}
	if err != nil {
		return &unaudited{fmt.Errorf("removing what earlier proofs left behind: %w", err)}
	}
	if t.work.quiet {
		return nil
	}
	what := "executing the image " + t.name
	if t.build != nil {
		what = fmt.Sprintf("building %s with %s and executing the image", dockerfilePath(t.text), t.engines.Build)
	}
	fmt.Fprintf(t.app.stderr, "imgaudit: %s in a container (%s, no route to any network)\n", what, t.engines.Run)
	return nil
}

// prove proves under the conditions that are named, nil for all.
func (t *trial) prove(ctx context.Context, only []string) (*audit.Proof, error) {
	if err := t.announce(ctx); err != nil {
		return nil, err
	}
	opt := prove.Options{Engines: t.engines, Build: t.build, Archive: t.archive, Needs: t.needs, Only: only, Text: t.foretold, Audit: t.audit, RulesFor: rulesFor, Progress: t.work.progress.say}
	if t.build != nil {
		opt.File = dockerfilePath(t.text)
	}
	proof, err := prove.Prove(ctx, opt)
	t.work.progress.end()
	if err != nil {
		return nil, &unaudited{withHint(fmt.Errorf("proving %s: %w", t.name, err))}
	}
	t.work.timings.proof(proof)
	return proof, nil
}

// withHint adds what the cause of an error says to type next, if it does.
func withHint(err error) error {
	var known interface{ Hint() string }
	if errors.As(err, &known) {
		return &hinted{err, known.Hint()}
	}
	return err
}

// audit audits an archive of the proof; the first is the image as it was built, whose lines can be blamed.
func (t *trial) audit(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error) {
	opt := target.Options{}
	if t.subject == nil {
		opt = t.pair
	}
	opt.Now, opt.Cache = time.Now(), t.cache
	subjects, err := target.Subjects(ctx, []string{"oci-archive:" + archive}, opt)
	if err != nil {
		return nil, nil, err
	}
	s := subjects[0]
	result := audit.Run(s, allRules())
	target.Finish(subjects)
	if len(s.Unread) > 0 && s.Image == nil {
		return nil, nil, fmt.Errorf("%s: %s", s.Unread[0].What, s.Unread[0].Because)
	}
	if t.subject == nil {
		t.subject, t.result = s, result
		s.Image.Ref = t.name
	}
	return s, result, nil
}

// rulesFor gives the rules that know a message.
func rulesFor(message string) (ids []string) {
	for _, r := range rules.ForMessage(message) {
		ids = append(ids, r.ID)
	}
	return slices.Clip(ids)
}
