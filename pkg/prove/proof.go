package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// Options say what is proven, and how.
type Options struct {
	Engines *Engines
	Build   *Build   // nil: Archive is there already
	File    string   // the path of the Dockerfile that is built, for the proof
	Archive string   // OCI layout in a tar file
	Needs   Needs    // what the program needs to be started
	Only    []string // names of conditions, nil for all; the first is always run
	// Text is what the audit says of the Dockerfile before it is built: the prediction of the build. Nil for nothing.
	Text *audit.Result
	// Audit reads and audits an archive; its result is the prediction. Rules gives the IDs of the rules that know a message.
	Audit    func(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error)
	RulesFor func(message string) []string
	Progress func(line string) // what is being done, one line each; nil for none
}

// The bounds of every run; a condition may be stricter. The time is what it may take beside what its needs say.
const (
	runTime   = time.Minute
	runMemory = 512 << 20
	runPids   = 512
)

// Prove builds if there is something to build, runs the image under every condition, and compares. The error is ours or an
// engine's: what the build or the program does is in the proof.
func Prove(ctx context.Context, opt Options) (proof *audit.Proof, err error) {
	began := time.Now()
	w, err := openWorkshop()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	p := &prover{Options: opt, workshop: w, proof: &audit.Proof{Engines: []string{}, Steps: []audit.Step{}, Skipped: []audit.SkippedStep{}, Outcome: audit.OutcomeUnproven}}
	if p.Progress == nil {
		p.Progress = func(string) {}
	}
	defer func() { p.proof.Seconds = time.Since(began).Seconds() }()
	if built, err := p.build(ctx); err != nil || !built {
		return p.proof, err
	}
	if err := p.steps(ctx); err != nil {
		return p.proof, err
	}
	p.proof.Outcome = worst(p.proof)
	return p.proof, nil
}

// prover is one proof under way.
type prover struct {
	Options
	*workshop
	proof  *audit.Proof
	runner runner
	worlds worlds
}

// build builds the image; false when the engine gave it up, and the proof ends there.
func (p *prover) build(ctx context.Context) (bool, error) {
	if p.Build == nil {
		return true, nil
	}
	p.proof.Engines = append(p.proof.Engines, p.Engines.Build.String())
	p.Progress("building with " + p.Engines.Build.String())
	began := time.Now()
	p.Archive = filepath.Join(p.dir, "built.tar")
	err := p.Build.Run(ctx, p.Engines.Build, p.Archive, p.Progress)
	var failed *BuildError
	if err != nil && !errors.As(err, &failed) {
		return false, err
	}
	b := &audit.Built{Dockerfile: p.File, Seconds: time.Since(began).Seconds(), Predictions: buildPredictions(p.Text)}
	if failed != nil {
		b.Failed, b.Output = failed.Words, failed.Output
	}
	judgeBuild(b)
	p.proof.Build = b
	p.Progress(fmt.Sprintf("build: %s: %s", b.Outcome, b.Because))
	if failed != nil {
		p.proof.Outcome = b.Outcome
	}
	return failed == nil, nil
}

// steps runs the conditions one after the other.
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
	if run := p.Engines.Run.String(); !slices.Contains(p.proof.Engines, run) {
		p.proof.Engines = append(p.proof.Engines, run)
	}
	subject, _, err := p.Audit(ctx, p.Archive)
	if err != nil {
		return fmt.Errorf("auditing what was built: %w", err)
	}
	if subject.Image == nil || subject.Image.FS == nil {
		return errors.New("auditing what was built: the image could not be read")
	}
	p.proof.Image = subject.Image.Digest
	calm := false
	for i, c := range conditions {
		switch {
		case i > 0 && len(p.Only) > 0 && !slices.Contains(p.Only, c.name):
			continue
		case i > 0 && !calm:
			p.skip(c.name, "it does not go well as it was built: there is nothing to compare with")
			continue
		}
		step, err := p.step(ctx, subject, c, calm)
		if err != nil {
			return fmt.Errorf("running it %s: %w", c.name, err)
		}
		if step == nil {
			p.skip(c.name, "the image has no "+strings.TrimPrefix(strings.TrimPrefix(c.name, "no "), "expired "))
			continue
		}
		p.proof.Steps = append(p.proof.Steps, *step)
		if i == 0 {
			calm = trouble(&step.Observed) == ""
		}
	}
	return nil
}

// skip says that a condition is not run.
func (p *prover) skip(name, because string) {
	p.proof.Skipped = append(p.proof.Skipped, audit.SkippedStep{Name: name, Because: because})
}

// step audits and runs the image under one condition; nil when the condition says nothing of this image.
func (p *prover) step(ctx context.Context, s *audit.Subject, c condition, calm bool) (step *audit.Step, err error) {
	began := time.Now()
	change := c.change(s.Image, &p.worlds)
	if change == nil {
		return nil, nil
	}
	ca := p.worlds.valid
	if c.name == "expired CA roots" {
		ca = p.worlds.expired
	}
	if change, err = change.trusting(s.Image, ca); err != nil {
		return nil, err
	}
	p.Progress("running it: " + c.name)
	archive := filepath.Join(p.dir, fmt.Sprintf("step-%d.tar", len(p.proof.Steps)))
	if err := derive(p.Archive, archive, *change); err != nil {
		return nil, err
	}
	defer os.Remove(archive)
	_, result, err := p.Audit(ctx, archive)
	if err != nil {
		return nil, fmt.Errorf("auditing: %w", err)
	}
	step = &audit.Step{Name: c.name, Predictions: predictions(result)}
	if c.run.ReadOnly {
		step.Predictions = append(step.Predictions, underReadOnly(result)...)
	}
	image, err := p.runner.load(ctx, archive)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.runner.unload(image)) }()
	t := &trial{own: ownPorts(s), runner: p.runner, needs: p.Needs, ca: ca, request: true, stop: c.stop, run: p.bounded(c.run, image)}
	t.run.Args, t.run.Env = p.Needs.Args, slices.Concat(c.env, p.Needs.Env)
	if c.name == asBuilt {
		t.health = healthCommand(s.Image.Config)
	}
	if t.stop == 0 {
		t.stop = stopSignal(s)
	}
	if step.Observed, err = t.do(ctx); err != nil {
		return nil, err
	}
	judge(step, p.RulesFor, calm)
	step.Seconds = time.Since(began).Seconds()
	p.Progress(fmt.Sprintf("%s: %s: %s", c.name, step.Outcome, step.Because))
	return step, nil
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

func (p *prover) newRunner() (runner, error) {
	switch e := p.Engines.Run; e.Kind {
	case Runc:
		return &bare{Engine: e, dir: p.dir}, nil
	case Docker, Podman:
		return &cli{Engine: e, dir: p.dir}, nil
	default:
		return nil, fmt.Errorf("%s runs no images", e.Kind)
	}
}

// worst is the outcome of a proof that came to its end.
func worst(p *audit.Proof) audit.Outcome {
	outcomes := []audit.Outcome{}
	if p.Build != nil {
		outcomes = append(outcomes, p.Build.Outcome)
	}
	for _, s := range p.Steps {
		outcomes = append(outcomes, s.Outcome)
	}
	for _, o := range []audit.Outcome{audit.OutcomeDiffers, audit.OutcomeUnproven} {
		if slices.Contains(outcomes, o) {
			return o
		}
	}
	return audit.OutcomeHolds
}
