package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/prove"
	"github.com/imgaudit/imgaudit/pkg/report"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// proveFlags are the flags of prove.
type proveFlags struct {
	read         readFlags
	out          outputFlags
	trial        trialFlags
	only         []string
	reproducible bool
	args         []string                        // behind --, nil if there is none
	again        func(condition string) []string // the command line for one condition
}

func newProve(a *app) *cobra.Command {
	var f proveFlags
	c := &cobra.Command{
		Use:   "prove [DIR|Dockerfile|IMAGE] [-- ARG...]",
		Short: "Build and run an image, under faults, and compare what happens with what check foretells",
		Long: `prove builds the image if there is something to build, RUNS IT in a container, and compares what happens with what the
audit of the same image foretells. Every other command only reads; this one executes the image, and says so first.

The image runs as its config says, and then under one condition after the other: as another user, with a read-only root,
without /tmp, CA roots, zoneinfo or /etc/passwd, with little memory, and so on. Its network has no route: every name leads
to a peer that speaks TLS with a certificate of the proof's own authority. Each condition is a changed copy of the image,
which is audited before it is run. What proofs left behind that were killed is removed first.

What the program needs to be started stands in the prove: section of .imgaudit.yaml, or in flags; arguments behind --
replace the image's CMD. One that cannot be started is "not started", which is never a pass.

exit codes here: 0 all that was foretold holds, 1 something differs, 3 it could not be started, built or looked at`,
		Example: `  imgaudit prove
  imgaudit prove . --engine podman --only "read-only root"
  imgaudit prove oci-archive:app.tar -o json=proof.json -o text
  imgaudit prove . --env DATABASE_URL=none --path /healthz -- serve --port 8080`,
		Args: func(c *cobra.Command, args []string) error {
			if dash := c.ArgsLenAtDash(); dash >= 0 {
				args = args[:dash]
			}
			return cobra.MaximumNArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			f.again = again(c, args)
			if dash := c.ArgsLenAtDash(); dash >= 0 {
				args, f.args = args[:dash], append([]string{}, args[dash:]...)
			}
			if err := f.configure(a, c); err != nil {
				return err
			}
			return a.prove(c.Context(), args, &f)
		},
	}
	f.read.add(c)
	longer(c, &f.read)
	c.Flags().Lookup("no-cache").Usage = "build every step anew, and neither use nor fill the cache"
	c.Flags().Lookup("platform").Usage = "platform os/arch[/variant] to build for, or of an index"
	f.trial.add(c)
	addReproducible(c, &f.reproducible)
	c.Flags().StringArrayVar(&f.only, "only", nil, "run under this condition only, beside \"as built\" (repeatable)")
	f.out.add(c, "what the engines print, and every prediction and observation")
	if err := c.RegisterFlagCompletionFunc("only", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return prove.Conditions(), cobra.ShellCompDirectiveNoFileComp
	}); err != nil {
		panic(err) // the flag is the one above
	}
	return c
}

// configure takes from .imgaudit.yaml what neither a flag nor a variable says, and looks at the values.
func (f *proveFlags) configure(a *app, c *cobra.Command) error {
	section, err := f.trial.configure(a, c)
	if err != nil {
		return err
	}
	if !c.Flags().Changed("only") && section.Only != nil {
		f.only = section.Only
	}
	if f.args != nil {
		f.trial.needs.Args = f.args
	}
	for _, name := range f.only {
		if slices.Contains(prove.Conditions(), name) {
			continue
		}
		err := fmt.Errorf("reading --only: no condition is called %q", name)
		if near := nearest(name, prove.Conditions()); near != "" {
			return &hinted{err, fmt.Sprintf("did you mean %q?", near)}
		}
		return &hinted{err, "there are " + strings.Join(prove.Conditions(), "; ")}
	}
	return nil
}

func (a *app) prove(ctx context.Context, args []string, f *proveFlags) error {
	if err := f.out.parse(a); err != nil {
		return err
	}
	arg := "."
	if len(args) == 1 {
		arg = args[0]
	}
	ctx, work, err := a.open(ctx, &f.read, f.out.quiet, f.out.verbose)
	if err != nil {
		return err
	}
	defer work.close()
	t, err := a.newTrial(ctx, arg, &f.read, &f.trial, work)
	if err != nil {
		return err
	}
	defer t.close()
	proof, err := t.proof(ctx, f)
	if err != nil {
		return err
	}
	for i := range proof.Steps {
		proof.Steps[i].Command = f.again(proof.Steps[i].Name)
	}
	r := t.report(proof)
	a.code = proofCode(proof.Outcome)
	if err := a.report(r, &f.out); err != nil {
		return err
	}
	work.timings.mark("report")
	return nil
}

// proofCode is the exit code of a proof.
func proofCode(o audit.Outcome) int {
	switch o {
	case audit.OutcomeHolds:
		return exitPass
	case audit.OutcomeDiffers:
		return exitFail
	}
	return exitUnaudited
}

// report puts the audit of what was run, or of the Dockerfile if nothing was built, beside the proof.
func (t *trial) report(proof *audit.Proof) *report.Report {
	s, res := t.subject, t.result
	if s == nil {
		s, res = t.text, t.foretold
	}
	subjects, results := []*audit.Subject{s}, []*audit.Result{res}
	policy.Waive(subjects, results, allRules())
	r := report.New(tool(), subjects, results, policy.FailOnError)
	r.Proof = proof
	return r
}

// one reads the one subject that is to be built.
func (a *app) one(ctx context.Context, arg string, opt target.Options) (*audit.Subject, error) {
	subjects, err := target.Subjects(ctx, []string{arg}, opt)
	if err != nil {
		return nil, err
	}
	a.sayUndeclared(subjects)
	s := subjects[0]
	switch {
	case len(subjects) > 1:
		var names []string
		for _, s := range subjects {
			if s.Dockerfile != nil {
				names = append(names, s.Dockerfile.Path)
			}
		}
		return nil, &hinted{fmt.Errorf("%s has %d Dockerfiles, and one is proven at a time", arg, len(subjects)), "name it: imgaudit prove " + strings.Join(names, " | ")}
	case s.Dockerfile == nil && s.Refused == nil && len(s.Unread) > 0:
		return nil, &unaudited{fmt.Errorf("reading %s: %s", s.Unread[0].What, s.Unread[0].Because)}
	case s.Dockerfile == nil && s.Refused == nil:
		return nil, errors.New("there is neither a Dockerfile nor an image to prove")
	}
	return s, nil
}
