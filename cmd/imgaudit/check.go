package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/report"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// checkFlags are the flags of check.
type checkFlags struct {
	read   readFlags
	out    outputFlags
	failOn string
}

func newCheck(a *app) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [TARGET...]",
		Short: "Audit an image, a Dockerfile, a Go binary, or all of them together",
		Long: `check audits its targets together: what the binary needs, what the image provides, which Dockerfile line is to blame.

A TARGET is told by what is at its path, or is an image in a registry. A prefix forces the kind:
dir: dockerfile: binary: registry: oci:DIR[:tag|@digest] oci-archive: docker-archive: docker: podman:
- is standard input: a Dockerfile, an executable, or an archive of an image.
Without a target the current directory is audited.

A directory stands for every Dockerfile, Containerfile, NAME.Dockerfile and Dockerfile.NAME in it and below, but for what
.gitignore names; beside an image or an executable, for the one that is in it. A comment in a Dockerfile waives a finding:
# imgaudit:ignore=RULE reason="TEXT" until=YYYY-MM-DD above the instruction.

A Dockerfile without an image is judged by its text alone, and no network is used. With --predict the image that it will
make is foretold: its base images are read from their registries, and COPY, WORKDIR and the rest are followed exactly as
BuildKit does them. --build also has the go command of this machine build the programs, with the flags and the
environment of the Dockerfile's own go build lines; it downloads modules as your go environment allows. What cannot be
foretold exactly is said, and judged by the text.`,
		Example: `  imgaudit check .
  imgaudit check . --build
  imgaudit check registry.example.com/app:1.2 --dockerfile Dockerfile
  imgaudit check app.tar Dockerfile -o json=report.json -o text
  imgaudit check ./bin/app docker-archive:base.tar`,
		RunE: func(c *cobra.Command, args []string) error { return a.check(c.Context(), args, &f) },
	}
	f.read.add(c)
	f.read.addPredict(c)
	c.Flags().StringVar(&f.failOn, "fail-on", "error", "severity that fails: error, warning, note, never")
	f.out.add(c, "every need and every skipped rule")
	return c
}

func (a *app) check(ctx context.Context, args []string, f *checkFlags) error {
	failOn, err := policy.ParseFailOn(f.failOn)
	if err != nil {
		return err
	}
	if err := f.out.parse(a); err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	if !f.read.predict && !f.read.build && !slices.ContainsFunc(args, func(arg string) bool { return !isText(arg) }) {
		collectLate()
	}
	ctx, work, err := a.open(ctx, &f.read, f.out.quiet, f.out.verbose)
	if err != nil {
		return err
	}
	defer work.close()
	subjects, err := target.Subjects(ctx, args, work.watch(a.options(&f.read)))
	if err != nil {
		return err
	}
	a.sayUndeclared(subjects)
	work.timings.mark("subjects")
	all := rules.All()
	var results []*audit.Result
	for _, s := range subjects {
		results = append(results, audit.Run(s, all))
	}
	policy.Waive(subjects, results, all)
	work.timings.mark("rules")
	target.Finish(subjects)
	work.timings.mark("cache")
	r := report.New(tool(), subjects, results, failOn)
	a.code = map[policy.Outcome]int{policy.Pass: exitPass, policy.Fail: exitFail, policy.Inconclusive: exitUnaudited}[r.Verdict.Outcome]
	if err := a.report(r, &f.out); err != nil {
		return err
	}
	work.timings.mark("report")
	a.hintGenerate(r)
	return nil
}

// hintGenerate says what to type where there is no Dockerfile.
func (a *app) hintGenerate(r *report.Report) {
	if slices.ContainsFunc(r.Unread, func(u report.Unread) bool { return u.Because == target.NoDockerfile }) {
		fmt.Fprintln(a.stderr, "hint: `imgaudit generate` writes a Dockerfile from go.mod and the source")
	}
}

// isText reports whether a target is a Dockerfile or a directory of them.
func isText(arg string) bool {
	t, err := target.Detect(arg)
	return err == nil && (t.Kind == target.Dir || t.Kind == target.Dockerfile)
}
