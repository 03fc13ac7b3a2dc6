package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/imgaudit/imgaudit/pkg/report"
)

// outputFlags say in which formats a report is written, and where to.
type outputFlags struct {
	outputs        []string
	color          string
	verbose, quiet bool

	outs    []output // what outputs means, set by parse
	colored bool
}

// add adds the flags; more is what --verbose adds to the text.
func (f *outputFlags) add(c *cobra.Command, more string) {
	c.Flags().StringArrayVarP(&f.outputs, "output", "o", []string{"text"}, "FORMAT[=FILE], repeatable; formats: text, json")
	c.Flags().StringVar(&f.color, "color", "auto", "auto, always or never")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, more)
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no output, only the exit code; files named by -o are still written")
}

// parse looks at the values.
func (f *outputFlags) parse(a *app) (err error) {
	if f.outs, err = parseOutputs(f.outputs); err != nil {
		return err
	}
	f.colored, err = a.color(f.color, a.stdout)
	return err
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

// report writes the report in every format that was asked for.
func (a *app) report(r *report.Report, f *outputFlags) error {
	for _, o := range f.outs {
		if err := a.write(r, o, f); err != nil {
			return &unaudited{err}
		}
	}
	return nil
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

// write writes the report in one format.
func (a *app) write(r *report.Report, o output, f *outputFlags) (err error) {
	w, color := a.stdout, f.colored
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
