package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/policy"
	"github.com/imgaudit/imgaudit/pkg/report"
	"github.com/imgaudit/imgaudit/pkg/rules"
	"github.com/imgaudit/imgaudit/pkg/target"
)

// checkFlags are the flags of check.
type checkFlags struct {
	read    readFlags
	failOn  string
	outputs []string
	color   string
	verbose bool
	quiet   bool
}

// readFlags say what to read and how; check and inspect share them.
type readFlags struct {
	dockerfile, context, target, platform string
	buildArgs                             []string
	insecure, caFiles                     []string
	offline                               bool
	timeout                               time.Duration
	cacheDir, progress                    string
	noCache, timings                      bool
	predict, build                        bool
}

func (f *readFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.dockerfile, "dockerfile", "", "Dockerfile that the image was built from")
	c.Flags().StringVar(&f.context, "context", "", "build context directory")
	c.Flags().StringVar(&f.target, "target", "", "stage to build, the last one by default")
	c.Flags().StringArrayVar(&f.buildArgs, "build-arg", nil, "build argument K=V (repeatable)")
	c.Flags().StringVar(&f.platform, "platform", "", "platform os/arch[/variant] of an index, or all")
	f.addSource(c)
}

// addSource adds the flags that say how images are had.
func (f *readFlags) addSource(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.insecure, "insecure-registry", nil, "registry HOST[:PORT] that may be spoken to without TLS or with an unsigned certificate (repeatable)")
	c.Flags().StringSliceVar(&f.caFiles, "ca-cert", nil, "PEM file of authorities that registries' certificates may be signed by, beside the system's (repeatable)")
	c.Flags().BoolVar(&f.offline, "offline", false, "use no network: archives, layouts, local engines, and what the cache has of images named by digest")
	c.Flags().DurationVar(&f.timeout, "timeout", 5*time.Minute, "give up after this time")
	addCacheDir(c, &f.cacheDir)
	c.Flags().BoolVar(&f.noCache, "no-cache", false, "neither use nor fill the cache")
	c.Flags().StringVar(&f.progress, "progress", "auto", "progress on standard error: auto (tty on a terminal, else none, or plain with -v), plain, tty, none")
	c.Flags().BoolVar(&f.timings, "timings", false, "print where the time went to standard error")
}

// addPredict adds the flags that have a Dockerfile's image foretold.
func (f *readFlags) addPredict(c *cobra.Command) {
	c.Flags().BoolVar(&f.predict, "predict", false, "foretell the image that a Dockerfile will make; reads the base images that it names")
	c.Flags().BoolVar(&f.build, "build", false, "like --predict, and build the programs here with the Dockerfile's own go build lines")
}

// options turns the flags into what the readers take. A --build-arg without a value takes the variable's, as docker
// build does.
func (a *app) options(f *readFlags) target.Options {
	opt := target.Options{Stdin: a.stdin, Dockerfile: f.dockerfile, Context: f.context, Target: f.target, Platform: f.platform, BuildArgs: map[string]string{}, Now: time.Now(),
		InsecureRegistries: f.insecure, CAFiles: f.caFiles, Offline: f.offline, Predict: f.predict, Build: f.build}
	for _, kv := range f.buildArgs {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			if v, ok = a.lookupEnv(k); !ok {
				continue
			}
		}
		opt.BuildArgs[k] = v
	}
	return opt
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
	c.Flags().StringArrayVarP(&f.outputs, "output", "o", []string{"text"}, "FORMAT[=FILE], repeatable; formats: text, json")
	c.Flags().StringVar(&f.color, "color", "auto", "auto, always or never")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "every need and every skipped rule")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no output, only the exit code; files named by -o are still written")
	return c
}

func (a *app) check(ctx context.Context, args []string, f *checkFlags) error {
	failOn, err := policy.ParseFailOn(f.failOn)
	if err != nil {
		return err
	}
	outs, err := parseOutputs(f.outputs)
	if err != nil {
		return err
	}
	color, err := a.color(f.color, a.stdout)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	if !f.read.predict && !f.read.build && !slices.ContainsFunc(args, func(arg string) bool { return !isText(arg) }) {
		collectLate()
	}
	ctx, cancel := context.WithTimeout(ctx, f.read.timeout)
	defer cancel()
	work, err := a.open(&f.read, f.quiet, f.verbose)
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
	for _, o := range outs {
		if err := a.write(r, o, f, color); err != nil {
			return &unaudited{err}
		}
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

// output is one -o: a format and where it goes.
type output struct{ format, file string }

func parseOutputs(specs []string) ([]output, error) {
	var outs []output
	stdout := false
	for _, s := range specs {
		format, file, _ := strings.Cut(s, "=")
		if format != "text" && format != "json" {
			return nil, fmt.Errorf("reading -o %s: no such format; there are text and json", s)
		}
		if file == "-" {
			file = ""
		}
		if file == "" && stdout {
			return nil, errors.New("reading -o: only one format can go to standard output; name a file, -o json=report.json")
		}
		stdout = stdout || file == ""
		outs = append(outs, output{format, file})
	}
	return outs, nil
}

// color decides whether text that goes to w is coloured.
func (a *app) color(mode string, w io.Writer) (bool, error) {
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		if v, ok := a.lookupEnv("NO_COLOR"); ok && v != "" {
			return false, nil
		}
		f, ok := w.(*os.File)
		return ok && term.IsTerminal(int(f.Fd())), nil
	}
	return false, fmt.Errorf("reading --color: %q is none of auto, always, never", mode)
}

func (a *app) write(r *report.Report, o output, f *checkFlags, color bool) (err error) {
	w := a.stdout
	if f.quiet && o.file == "" {
		return nil
	}
	if o.file != "" {
		file, err := os.Create(o.file)
		if err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		defer func() {
			if cerr := file.Close(); err == nil && cerr != nil {
				err = fmt.Errorf("writing the report: %w", cerr)
			}
		}()
		w, color = io.Writer(file), false
	}
	if o.format == "json" {
		return r.JSON(w)
	}
	return r.Text(w, report.TextOptions{Color: color, Verbose: f.verbose})
}
