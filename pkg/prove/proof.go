package prove

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// Options say what is proven, and how.
type Options struct {
	Engines *Engines
	Build   *Build   // nil: Archive is there already
	File    string   // the path of the Dockerfile that is built, for the proof
	Archive string   // OCI layout in a tar file; with Build, where what was built is kept, "" for not
	Needs   Needs    // what the program needs to be started
	Only    []string // names of conditions, nil for all; the first is always run
	// Text is what the audit says of the Dockerfile before it is built: the prediction of the build. Nil for nothing.
	Text *audit.Result
	// Audit reads and audits an archive, several at once after the first; its result is the prediction. RulesFor gives the IDs of the rules that know a message.
	Audit    func(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error)
	RulesFor func(message string) []string
	Progress func(line string) // what is being done, one line each, never two at once; nil for none
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
	p.Progress = oneAtATime(p.Progress)
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

// oneAtATime is a progress function that several runs may call, also if there is none.
func oneAtATime(say func(line string)) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if say != nil {
			say(line)
		}
	}
}

// prover is one proof under way.
type prover struct {
	Options
	*workshop
	proof     *audit.Proof
	runner    runner
	worlds    worlds
	subject   *audit.Subject // the image as it was built
	unchanged *prepared      // its image, which the conditions that change no file have in common
}

// build builds the image; false when the engine gave it up, and the proof ends there.
func (p *prover) build(ctx context.Context) (bool, error) {
	if p.Build == nil {
		return true, nil
	}
	p.proof.Engines = append(p.proof.Engines, p.Engines.Build.String())
	p.Progress("building with " + p.Engines.Build.String())
	began := time.Now()
	p.Archive = cmp.Or(p.Archive, filepath.Join(p.dir, "built.tar"))
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
