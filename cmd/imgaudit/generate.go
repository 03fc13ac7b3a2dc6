package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/layers"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/rules"
)

// generateFlags are the flags of generate.
type generateFlags struct {
	read                 readFlags
	main, binary, image  string
	base, builder        string
	variant, health      string
	tags, private        []string
	build                bool // the program is built here
	pin, write, override bool
}

func newGenerate(a *app) *cobra.Command {
	var f generateFlags
	c := &cobra.Command{
		Use:   "generate [DIR]",
		Short: "Write a Dockerfile and .dockerignore for a Go program, from what it needs",
		Long: `generate plans an image from what is there: the module in DIR and its source, a Go binary (--binary), an existing image (--image).
What the program needs decides what the image holds; each line that serves a need says which, and how that is known.
With --binary or --image and a DIR the program is built from source, with the needs of the binary; without a DIR the binary is shipped as it is.
A binary tells the needs exactly, and --build makes one. Source alone tells what might be needed, and the image then holds
rather too much.

The Dockerfile goes to standard output; -w writes it, and the .dockerignore, into DIR.`,
		Example: `  imgaudit generate . -w
  imgaudit generate . --main ./cmd/api --build
  imgaudit generate --binary ./bin/api
  imgaudit generate --image registry.example.com/app:1.2 --pin
  imgaudit generate . --variant debug --private 'git.example.com/*'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.generate(c.Context(), args, &f) },
	}
	s := c.Flags()
	s.StringVar(&f.main, "main", "", "directory of the main package to build, ./cmd/api")
	s.StringVar(&f.binary, "binary", "", "the program as it is built today: its needs decide")
	s.BoolVar(&f.build, "build", false, "build the program here with this machine's Go, to learn its needs")
	s.StringVar(&f.image, "image", "", "an image of the program: its needs and settings are taken over")
	s.StringVar(&f.base, "base", "", "base image of the final stage, chosen by the needs by default")
	s.StringVar(&f.builder, "builder", "", "image of the build stage, golang:1.N by go.mod by default")
	s.StringVar(&f.variant, "variant", "release", "release, or debug: with symbols and a debugger in a target of its own")
	s.StringVar(&f.health, "health", "", "arguments with which the program checks itself, for HEALTHCHECK")
	s.StringSliceVar(&f.tags, "tags", nil, "build tags")
	s.StringSliceVar(&f.private, "private", nil, "private modules, as in GOPRIVATE: they are fetched with the build secret netrc (repeatable)")
	s.BoolVar(&f.pin, "pin", false, "add the digests that the images have today, which asks their registries")
	s.BoolVarP(&f.write, "write", "w", false, "write the files instead of printing the Dockerfile")
	s.BoolVar(&f.override, "force", false, "with -w: replace files that exist")
	s.StringVar(&f.read.context, "context", "", "build context directory, if it is not DIR")
	s.StringVar(&f.read.platform, "platform", "", "platform os/arch[/variant] of --image")
	f.read.addSource(c)
	return c
}

func (a *app) generate(ctx context.Context, args []string, f *generateFlags) error {
	if f.variant != "release" && f.variant != "debug" {
		return fmt.Errorf("reading --variant: %q is neither release nor debug", f.variant)
	}
	if f.binary != "" && f.image != "" {
		return errors.New("--binary and --image are two programs: give one of them")
	}
	if f.build && (f.binary != "" || f.image != "") {
		return errors.New("--build makes the program whose needs decide: give neither --binary nor --image")
	}
	dir := ""
	switch {
	case len(args) == 1:
		dir = args[0]
	case f.binary == "" && f.image == "":
		dir = "."
	}
	ctx, work, err := a.open(ctx, &f.read, false, false)
	if err != nil {
		return err
	}
	defer work.close()
	p, err := readPlace(dir, f)
	if err != nil {
		return err
	}
	if err := a.readProgram(ctx, p, f, work); err != nil {
		return err
	}
	p.request.Base, p.request.Builder, p.request.Tags = f.base, f.builder, f.tags
	if f.build {
		if err := buildHere(ctx, p.module, &p.request); err != nil {
			return err
		}
	}
	p.request.Private, p.request.Health, p.request.Debug = f.private, strings.Fields(f.health), f.variant == "debug"
	p.request.Now = time.Now()
	plan, err := repair.Generate(p.request)
	if err != nil {
		return err
	}
	if f.pin {
		if err := a.pin(ctx, plan, f); err != nil {
			return err
		}
	}
	if err := a.review(p, plan); err != nil {
		return err
	}
	for _, n := range plan.Notes {
		fmt.Fprintf(a.stderr, "imgaudit: %s\n", n)
	}
	if !f.write {
		_, err := a.stdout.Write(plan.Dockerfile())
		fmt.Fprintf(a.stderr, "imgaudit: -w writes %s and %s\n", p.dockerfile, p.ignore)
		return err
	}
	return a.writePlan(p, plan, f.override)
}

// pin asks the registries of the plan's images for their digests.
func (a *app) pin(ctx context.Context, plan *repair.Plan, f *generateFlags) error {
	digests := map[string]string{}
	for _, image := range plan.Images() {
		if strings.Contains(image, "@") {
			continue
		}
		d, err := layers.Digest(ctx, image, layers.Options{InsecureRegistries: f.read.insecure, CAFiles: f.read.caFiles, Offline: f.read.offline})
		if errors.Is(err, layers.ErrUnqualified) {
			return &hinted{fmt.Errorf("pinning %s: %w", image, layers.ErrUnqualified), "name it with its registry: --builder HOST/golang:1.26, --base HOST/alpine:3"}
		}
		if err != nil {
			return &unaudited{fmt.Errorf("pinning %s: %w", image, err)}
		}
		digests[image] = d
	}
	plan.Pin(digests)
	return nil
}

// review audits what was planned before anyone sees it. A tag in place of a digest is the default, so it is only said.
func (a *app) review(p *place, plan *repair.Plan) error {
	parsed, err := dockerfile.Parse(p.dockerfile, plan.Dockerfile(), dockerfile.Options{})
	if err != nil {
		return fmt.Errorf("reading what was generated: %w", err)
	}
	s := &audit.Subject{Dockerfile: parsed, Module: p.request.Module, Now: p.request.Now}
	if p.request.Context != nil {
		if s.Context, err = plan.Context(p.request.Context, p.request.Ignore); err != nil {
			return err
		}
	}
	s.Prepare()
	unpinned := false
	for _, finding := range audit.Run(s, rules.All()).Findings {
		if finding.Rule == "base-unpinned" && finding.Severity == audit.Note {
			unpinned = true
			continue
		}
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s: %s: %s", finding.Severity, finding.Rule, finding.Message))
		if finding.Severity == audit.Error {
			a.code = exitFail
		}
	}
	if unpinned {
		plan.Notes = append(plan.Notes, "the images are named by tags, which may move: --pin adds digests")
	}
	return nil
}

// writePlan writes the files. One that exists with other content is replaced with --force only.
func (a *app) writePlan(p *place, plan *repair.Plan, override bool) error {
	files := []struct {
		name string
		text []byte
	}{{p.dockerfile, plan.Dockerfile()}, {p.ignore, plan.Dockerignore()}}
	for _, f := range files {
		have, err := os.ReadFile(f.name)
		switch {
		case f.text == nil || override:
		case err == nil && !bytes.Equal(have, f.text):
			return &hinted{fmt.Errorf("writing %s: it exists", f.name), "imgaudit generate --force replaces it"}
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("writing %s: %w", f.name, err)
		}
	}
	for _, f := range files {
		if f.text == nil {
			continue
		}
		if err := os.WriteFile(f.name, f.text, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", f.name, err)
		}
		fmt.Fprintf(a.stderr, "imgaudit: wrote %s\n", f.name)
	}
	context := filepath.Dir(p.dockerfile)
	if p.contextDir != "" && filepath.Clean(p.contextDir) != context {
		fmt.Fprintf(a.stderr, "imgaudit: build it with: docker build -f %s %s\n", p.dockerfile, p.contextDir)
	}
	return nil
}
