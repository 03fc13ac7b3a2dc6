package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/prove"
)

// addReproducible adds the flag that asks for another proof than that of a run.
func addReproducible(c *cobra.Command, on *bool) {
	c.Flags().BoolVar(on, "reproducible", false, "build twice, at different times and from different directories, and say where the images differ and why; nothing is run")
}

// proof gives the proof that was asked for.
func (t *trial) proof(ctx context.Context, f *proveFlags) (*audit.Proof, error) {
	if f.reproducible {
		return t.reproduce(ctx)
	}
	return t.prove(ctx, f.only)
}

// reproduce proves that two builds give the same image, or says where they differ.
func (t *trial) reproduce(ctx context.Context) (*audit.Proof, error) {
	if t.build == nil {
		return nil, errors.New("reading --reproducible: an image that is built already cannot be built twice: name a directory or a Dockerfile")
	}
	if !t.work.quiet {
		fmt.Fprintf(t.app.stderr, "imgaudit: building %s twice with %s, without its cache\n", dockerfilePath(t.text), t.engines.Build)
	}
	proof, err := prove.Reproduce(ctx, prove.Twice{Engine: t.engines.Build, Build: *t.build, Audit: t.audit, Progress: t.work.progress.say})
	t.work.progress.end()
	if err != nil {
		return nil, &unaudited{withHint(fmt.Errorf("building %s twice: %w", t.name, err))}
	}
	t.work.timings.proof(proof)
	return proof, nil
}
