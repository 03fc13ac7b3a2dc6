package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/report"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// fixFlags are the flags of fix.
type fixFlags struct {
	read                 readFlags
	write, check, unsafe bool
	prove                bool
	trial                trialFlags
	rules                []string
	color                string
	quiet, verbose       bool
}

func newFix(a *app) *cobra.Command {
	var f fixFlags
	c := &cobra.Command{
		Use:   "fix [DIR|Dockerfile] [TARGET...]",
		Short: "Correct a Dockerfile: a diff by default, -w writes",
		Long: `fix applies the fixes of the findings that check makes of the same targets, and prints the change as a unified diff
for patch -p1 or git apply; what was fixed, and what is left and why, goes to standard error.

Only safe fixes are applied by default: the service behaves the same or only stops failing. After each step the corrected
text is parsed and audited again: a fix whose finding would stay, that would introduce another one, or that would change
a line or lose a comment it is not for, is left out. A Dockerfile alone is corrected for what its text shows. What the
program needs shows in an image or an executable that is named beside it, with --build in the image that it will make, and
with --prove in the image that it makes.

With --prove the file is built and RUN in a container before and after, and the correction is shown or written only if it
holds: it builds, runs as foretold, what was corrected is gone, and what went well still does (docs/proving.md).

- is a Dockerfile on standard input; with -w the corrected text goes to standard output.
Without a target the current directory is corrected: every Dockerfile in it, and the .dockerignore beside them.`,
		Example: `  imgaudit fix
  imgaudit fix . ./bin/app -w
  imgaudit fix --build
  imgaudit fix registry.example.com/app:1.2 --dockerfile Dockerfile --unsafe | git apply
  imgaudit fix --prove -w
  imgaudit fix --check --rule shell-missing Dockerfile`,
		RunE: func(c *cobra.Command, args []string) error {
			if f.prove {
				if _, err := f.trial.configure(a, c); err != nil {
					return err
				}
				moreTime(c, &f.read)
			}
			return a.fix(c.Context(), args, &f)
		},
	}
	f.read.add(c)
	f.read.addPredict(c)
	c.Flags().BoolVar(&f.prove, "prove", false, "build and run the file before and after, in a container, and correct only what is proven")
	f.trial.add(c)
	c.Flags().BoolVarP(&f.write, "write", "w", false, "write the corrected files instead of a diff")
	c.Flags().BoolVar(&f.check, "check", false, "exit with 1 if a file would change")
	c.Flags().BoolVar(&f.unsafe, "unsafe", false, "apply fixes that may change behaviour, too: another user, another base image")
	c.Flags().StringSliceVar(&f.rules, "rule", nil, "correct the findings of this rule only (repeatable)")
	c.Flags().StringVar(&f.color, "color", "auto", "auto, always or never; of the summary")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no output, only the exit code; -w still writes")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "progress in plain lines, and what goes wrong with the cache")
	c.MarkFlagsMutuallyExclusive("write", "check")
	if err := c.RegisterFlagCompletionFunc("rule", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return ruleIDs(), cobra.ShellCompDirectiveNoFileComp
	}); err != nil {
		panic(err) // the flag is the one above
	}
	return c
}

func (a *app) fix(ctx context.Context, args []string, f *fixFlags) error {
	color, err := a.color(f.color, a.stderr)
	if err != nil {
		return err
	}
	for _, id := range f.rules {
		if rules.Find(id) == nil {
			return unknownRule(id)
		}
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	ctx, work, err := a.open(ctx, &f.read, f.quiet, f.verbose)
	if err != nil {
		return err
	}
	defer work.close()
	subjects, err := target.Subjects(ctx, args, work.watch(a.options(&f.read)))
	if err != nil {
		return err
	}
	work.timings.mark("subjects")
	target.Finish(subjects)
	var built firstBuilds
	if f.prove {
		built, err = a.buildFirst(ctx, subjects, f, work)
		defer built.close()
		if err != nil {
			return err
		}
	}
	fixed, err := a.correct(ctx, subjects, f, color)
	if err != nil {
		return err
	}
	work.timings.mark("fixes")
	if f.prove && len(fixed.files) > 0 {
		if proven, err := a.proveFixes(ctx, fixed, built, f, work, color); err != nil || !proven {
			return err
		}
	}
	return fixed.hand(a, f)
}

func unknownRule(id string) error {
	err := fmt.Errorf("reading --rule: no rule is called %q", id)
	if near := nearest(id, ruleIDs()); near != "" {
		return &hinted{err, "did you mean " + near + "?"}
	}
	return &hinted{err, "`imgaudit rules` lists the rules"}
}

// fixed are the files that one run corrects. Several subjects may share one.
type fixed struct {
	files []repair.File
	of    []corrected
	piped string // the path of the Dockerfile that came through standard input, "" if none did
}

// corrected is a subject with its correction.
type corrected struct {
	subject *audit.Subject
	*repair.Correction
}

// correct corrects the subjects one after the other, each on what the ones before it left, and says what was done.
func (a *app) correct(ctx context.Context, subjects []*audit.Subject, f *fixFlags, color bool) (*fixed, error) {
	out := &fixed{}
	any := false
	for _, s := range subjects {
		summary := report.Fixes{Unread: s.Unread, Written: f.write && !f.prove, Proving: f.prove, Unpredicted: s.Unpredicted}
		if r := s.Refused; r != nil {
			summary.Unread = append(slices.Clone(s.Unread), audit.Unread{What: fmt.Sprintf("%s:%d", r.Path, r.Span.Start.Line), Because: r.Msg})
		}
		if len(summary.Unread) > 0 {
			a.code = exitUnaudited
		}
		if s.Dockerfile != nil {
			any = true
			if s.DockerfileCarried && f.write {
				return nil, &hinted{errors.New("there is nothing to write to: the Dockerfile is carried by the image"), "name the file with --dockerfile, or leave -w out"}
			}
			c, err := repair.Correct(s, rules.All(), repair.Options{Unsafe: f.unsafe, Rules: f.rules, Changed: out.files, Count: unwaived, Stop: ctx.Err})
			if err != nil {
				return nil, &unaudited{err}
			}
			if s.DockerfilePiped {
				out.piped = s.Dockerfile.Path
			}
			out.add(c.Files)
			if len(c.Files) > 0 {
				out.of = append(out.of, corrected{s, c})
			}
			summary.Dockerfile, summary.Correction = s.Dockerfile.Path, c
		}
		if f.quiet {
			continue
		}
		if err := summary.Text(a.stderr, report.TextOptions{Color: color}); err != nil {
			return nil, &unaudited{err}
		}
	}
	if !any && a.code != exitUnaudited {
		return nil, &hinted{errors.New("no Dockerfile is among the targets"), "name it with --dockerfile FILE"}
	}
	return out, nil
}

// unwaived are the findings that nobody waives. What is to be said of the waivers themselves is no matter of a fix.
func unwaived(s *audit.Subject, found []audit.Finding) []audit.Finding {
	res := &audit.Result{Findings: found}
	policy.Waive([]*audit.Subject{s}, []*audit.Result{res}, rules.All())
	return slices.DeleteFunc(res.Findings, func(f audit.Finding) bool {
		return f.Waived != nil || slices.ContainsFunc(policy.Rules(), func(r *audit.Rule) bool { return r.ID == f.Rule })
	})
}

// add joins the outcome of one correction to those before it.
func (out *fixed) add(files []repair.File) {
	for _, x := range files {
		i := slices.IndexFunc(out.files, func(have repair.File) bool { return have.Path == x.Path })
		if i < 0 {
			out.files = append(out.files, x)
			continue
		}
		out.files[i].After = x.After
	}
}

// hand gives the outcome to the user: as a diff, or written.
func (out *fixed) hand(a *app, f *fixFlags) error {
	if f.check && len(out.files) > 0 && a.code == exitPass {
		a.code = exitFail
	}
	if f.write {
		return out.write(a, f)
	}
	if f.quiet {
		return nil
	}
	shown := slices.Clone(out.files)
	for i := range shown {
		shown[i].Path = fromHere(shown[i].Path)
	}
	if _, err := io.WriteString(a.stdout, repair.Diff(shown)); err != nil {
		return &unaudited{fmt.Errorf("writing the diff: %w", err)}
	}
	return nil
}

// write writes the files where they came from. One that cannot be written does not stop the others.
func (out *fixed) write(a *app, f *fixFlags) error {
	var failed []error
	for _, x := range out.files {
		if out.piped == "" || x.Path != out.piped {
			if err := replaceFile(x); err != nil {
				failed = append(failed, err)
			}
			continue
		}
		if f.quiet {
			continue
		}
		if _, err := a.stdout.Write(x.After); err != nil {
			failed = append(failed, fmt.Errorf("writing the Dockerfile: %w", err))
		}
	}
	if len(failed) > 0 {
		return &unaudited{errors.Join(failed...)}
	}
	return nil
}

// fromHere is a path relative to the working directory if it lies below, as patch and git apply want it.
func fromHere(file string) string {
	if !filepath.IsAbs(file) && filepath.IsLocal(file) {
		return file
	}
	here, err := os.Getwd()
	if err != nil {
		return file
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(here, abs); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return abs
}
