package prove

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// sideBySide is how many conditions are run at once: as many as there are CPUs, but what they may hold of memory stays small.
func sideBySide() int { return min(runtime.GOMAXPROCS(0), 4) }

// steps runs the image as it was built, and then under the other conditions, several at once.
func (p *prover) steps(ctx context.Context) (err error) {
	if p.worlds.valid, err = newAuthority(time.Now().AddDate(0, 0, 7)); err != nil {
		return err
	}
	if p.worlds.expired, err = newAuthority(time.Now().AddDate(0, 0, -7)); err != nil {
		return err
	}
	if p.runner, err = p.newRunner(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.runner.close()) }()
	if run := p.Engines.Run.String(); !slices.Contains(p.proof.Engines, run) {
		p.proof.Engines = append(p.proof.Engines, run)
	}
	if p.subject, err = p.read(ctx); err != nil {
		return err
	}
	p.proof.Image = p.subject.Image.Digest
	if p.unchanged, err = p.prepare(ctx, asBuilt, &change{}, p.worlds.valid); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.release(p.unchanged)) }()
	first, err := p.step(ctx, conditions[0], nil)
	if err != nil {
		return err
	}
	p.proof.Steps = append(p.proof.Steps, *first)
	return p.others(ctx, first)
}

// read audits what was built.
func (p *prover) read(ctx context.Context) (*audit.Subject, error) {
	subject, _, err := p.Audit(ctx, p.Archive)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("auditing what was built: %w", err)
	case subject.Image == nil || subject.Image.FS == nil:
		return nil, errors.New("auditing what was built: the image could not be read")
	}
	return subject, nil
}

// others runs the conditions beside the first, if the image goes well as it was built.
func (p *prover) others(ctx context.Context, first *audit.Step) error {
	calm := trouble(&first.Observed) == ""
	var wanted []condition
	for _, c := range conditions[1:] {
		if len(p.Only) == 0 || slices.Contains(p.Only, c.name) {
			wanted = append(wanted, c)
		}
	}
	steps := make([]*audit.Step, len(wanted))
	if calm {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(sideBySide())
		for i, c := range wanted {
			g.Go(func() (err error) {
				steps[i], err = p.step(ctx, c, first)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	for i, c := range wanted {
		switch {
		case steps[i] != nil:
			p.proof.Steps = append(p.proof.Steps, *steps[i])
		case !calm:
			p.skip(c.name, "it does not go well as it was built: there is nothing to compare with")
		default:
			p.skip(c.name, "the image has no "+strings.TrimPrefix(strings.TrimPrefix(c.name, "no "), "expired "))
		}
	}
	return nil
}

// skip says that a condition is not run.
func (p *prover) skip(name, because string) {
	p.proof.Skipped = append(p.proof.Skipped, audit.SkippedStep{Name: name, Because: because})
}

// step audits and runs the image under one condition; nil when the condition says nothing of this image. first is the run
// as it was built.
func (p *prover) step(ctx context.Context, c condition, first *audit.Step) (step *audit.Step, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("running it %s: %w", c.name, err)
		}
	}()
	began := time.Now()
	image, ca, changed := p.unchanged, p.worlds.valid, &change{}
	if c.change != nil {
		if changed = c.change(p.subject.Image, &p.worlds); changed == nil {
			return nil, nil
		}
		if c.name == "expired CA roots" {
			ca = p.worlds.expired
		}
		if image, err = p.prepare(ctx, c.name, changed, ca); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.release(image)) }()
	}
	p.Progress("running it: " + c.name)
	step = &audit.Step{Name: c.name, Predictions: predictions(image.result)}
	if first != nil {
		step.Predictions = append(step.Predictions, c.foretold(p.subject.Image, changed, image.result, first.Observed.Writes)...)
	}
	t := &trial{runner: p.runner, needs: p.Needs, ca: ca, request: true, stop: stopSignal(cmp.Or(changed.Signal, p.subject.Image.Config.StopSignal)), run: p.bounded(c.run, image.name)}
	t.run.dir = filepath.Join(p.dir, fileName(c.name))
	if err := os.Mkdir(t.run.dir, 0o700); err != nil {
		return nil, fmt.Errorf("preparing a container: %w", err)
	}
	t.run.Args, t.run.Env = p.Needs.Args, slices.Concat(c.env, p.Needs.Env)
	if c.name == asBuilt {
		t.health, t.image = healthCommand(p.subject.Image.Config), p.subject.Image
	}
	t.knows = func(line string) bool { return len(p.RulesFor(line)) > 0 || len(conditionRules(line)) > 0 }
	if step.Observed, err = t.do(ctx); err != nil {
		return nil, err
	}
	judge(step, p.RulesFor, first)
	step.Seconds = time.Since(began).Seconds()
	p.Progress(fmt.Sprintf("%s: %s: %s", c.name, step.Outcome, step.Because))
	return step, nil
}

// prepared is a changed image that was audited and that the runner has.
type prepared struct {
	archive, name string // the name is the runner's
	result        *audit.Result
}

// prepare makes the image of a condition, which trusts ca if the image has CA roots.
func (p *prover) prepare(ctx context.Context, name string, c *change, ca *authority) (*prepared, error) {
	c, err := c.trusting(p.subject.Image, ca)
	if err != nil {
		return nil, err
	}
	image := &prepared{archive: filepath.Join(p.dir, fileName(name)+".tar")}
	if err := derive(p.Archive, image.archive, *c); err != nil {
		return nil, err
	}
	if _, image.result, err = p.Audit(ctx, image.archive); err != nil {
		return nil, fmt.Errorf("auditing: %w", err)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	image.name, err = p.runner.load(ctx, image.archive)
	return image, err
}

// release forgets a prepared image.
func (p *prover) release(image *prepared) error {
	return errors.Join(p.runner.unload(image.name), os.Remove(image.archive))
}

// fileName is a condition's name in the path of a file, which is also the tag of an image.
func fileName(condition string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, condition), "-")
}

// bounded gives a run its image, its name and the bounds that it does not set itself.
func (p *prover) bounded(r Run, image string) Run {
	r.Image, r.label, r.dir, r.Time = image, p.name, p.dir, runTime+p.Needs.time()
	if r.Memory == 0 {
		r.Memory = runMemory
	}
	if r.Pids == 0 {
		r.Pids = runPids
	}
	return r
}
