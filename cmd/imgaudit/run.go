package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imgaudit/imgaudit/pkg/target"
)

// The exit codes, the same for every format.
const (
	exitPass       = 0 // verdict pass
	exitFail       = 1 // verdict fail
	exitUsage      = 2 // wrong usage or configuration
	exitUnaudited  = 3 // could not audit: unreadable target, registry down, a limit hit
	exitCodesInUse = "exit codes: 0 verdict pass, 1 verdict fail, 2 wrong usage, 3 could not audit"
)

// app is what every verb gets: streams and environment.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookupEnv      func(string) (string, bool)
	code           int // of a verb that ran to its end
}

// run executes one command line and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, lookupEnv func(string) (string, bool)) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, lookupEnv: lookupEnv}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return a.code
	}
	fmt.Fprintf(stderr, "imgaudit: %v\n", strings.TrimPrefix(err.Error(), target.ErrUsage.Error()+": "))
	var h *hinted
	if errors.As(err, &h) {
		fmt.Fprintf(stderr, "hint: %s\n", h.hint)
	}
	var failed *unaudited
	if errors.As(err, &failed) {
		return exitUnaudited
	}
	return exitUsage
}

// unaudited is an error that means: could not audit. Every other error of a verb is wrong usage.
type unaudited struct{ error }

func (e *unaudited) Unwrap() error { return e.error }

// hinted is an error with a word on what to type next.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "imgaudit",
		Short: "Will this Go service's container image run, and which Dockerfile line is to blame if not",
		Long: `imgaudit compares what a Go binary needs at run time (loader, libraries, CA roots, time zones, temporary files, signals)
with what the container image provides, and names the Dockerfile line to blame for the difference.`,
		Example: `  imgaudit check registry.example.com/app:1.2 --dockerfile Dockerfile
  imgaudit check .
  imgaudit explain "x509: certificate signed by unknown authority"`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return a.setFromEnv(c.Flags())
		},
	}
	root.SetFlagErrorFunc(suggestFlag)
	root.SetHelpTemplate(root.HelpTemplate() + "\n" + exitCodesInUse + "\n")
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(newCheck(a), newFix(a), newProve(a), newInspect(a), newGenerate(a), newRules(a), newExplain(a), newCache(a), newVersion(a))
	return root
}

// setFromEnv gives every flag that the command line leaves out the value of its IMGAUDIT_ variable; an empty one
// counts as not set.
func (a *app) setFromEnv(flags *pflag.FlagSet) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := a.lookupEnv(variable(f.Name))
		if f.Changed || !ok || value == "" || first != nil {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			first = fmt.Errorf("reading %s: %w", variable(f.Name), err)
		}
	})
	return first
}

// variable is the environment variable of a flag: --fail-on is IMGAUDIT_FAIL_ON.
func variable(flag string) string {
	return "IMGAUDIT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// suggestFlag names the flag that was probably meant.
func suggestFlag(c *cobra.Command, err error) error {
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest(name, names); near != "" {
		return &hinted{err, "did you mean --" + near + "?"}
	}
	return err
}

// nearest is the name at most three edits away that is closest, "" if there is none.
func nearest(name string, names []string) string {
	best, least := "", 4
	for _, n := range names {
		if d := levenshtein.Distance(name, n, nil); d < least {
			best, least = n, d
		}
	}
	return best
}
