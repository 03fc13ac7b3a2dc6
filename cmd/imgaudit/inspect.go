package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/report"
	"github.com/imgaudit/imgaudit/pkg/target"
)

func newInspect(a *app) *cobra.Command {
	var read readFlags
	var format string
	c := &cobra.Command{
		Use:   "inspect TARGET...",
		Short: "Show the facts without judgement: a binary's needs, an image's start and layers, a Dockerfile's stages",
		Example: `  imgaudit inspect ./bin/app
  imgaudit inspect registry.example.com/app:1.2 --dockerfile Dockerfile -o json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.inspect(c.Context(), args, &read, format) },
	}
	read.add(c)
	c.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	return c
}

func (a *app) inspect(ctx context.Context, args []string, read *readFlags, format string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("reading -o %s: no such format; there are text and json", format)
	}
	if !slices.ContainsFunc(args, func(arg string) bool { return !isExecutable(arg) }) {
		collectLate()
	}
	ctx, work, err := a.open(ctx, read, false, false)
	if err != nil {
		return err
	}
	defer work.close()
	subjects, err := target.Subjects(ctx, args, work.watch(a.options(read)))
	if err != nil {
		return err
	}
	target.Finish(subjects)
	facts := report.FactsOf(subjects)
	for _, s := range subjects {
		if len(s.Unread) > 0 {
			a.code = exitUnaudited
		}
	}
	if format == "json" {
		return facts.JSON(a.stdout)
	}
	return facts.Text(a.stdout)
}

// isExecutable says whether a target is a file that is read as an executable.
func isExecutable(arg string) bool {
	fi, err := os.Stat(arg)
	if err != nil || !fi.Mode().IsRegular() { // what comes through a pipe is there once
		return false
	}
	t, err := target.Detect(arg)
	return err == nil && t.Kind == target.Binary
}
