package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/repair"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// buildHere builds the program with this machine's Go as the generated file will, and has its needs decide. Where it is
// no use without cgo, it is built with cgo.
func buildHere(ctx context.Context, module string, r *repair.Request) error {
	tools, err := source.FindToolchain(ctx)
	if err != nil {
		return &unaudited{fmt.Errorf("building the program: %w", err)}
	}
	dir, err := os.MkdirTemp("", "imgaudit-generate-")
	if err != nil {
		return &unaudited{fmt.Errorf("building the program: %w", err)}
	}
	defer os.RemoveAll(dir)
	b, err := buildOnce(ctx, tools, module, dir, r)
	if (err != nil || len(b.Stubs) > 0) && !r.Main.Cgo {
		with := *r.Main
		with.Cgo = true
		again := *r
		again.Main = &with
		if c, cerr := buildOnce(ctx, tools, module, dir, &again); cerr == nil {
			b, err = c, nil
			r.Main = &with
		}
	}
	if err != nil {
		return &unaudited{err}
	}
	r.Binary = b
	return nil
}

func buildOnce(ctx context.Context, tools *source.Toolchain, module, dir string, r *repair.Request) (*binary.Binary, error) {
	out, err := os.MkdirTemp(dir, "")
	if err != nil {
		return nil, fmt.Errorf("building the program: %w", err)
	}
	opt := source.BuildOptions{Flags: []string{"-trimpath", "-ldflags=-s -w"}, Packages: []string{"./" + r.Main.Dir},
		Env: map[string]string{"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": tools.GOARCH}}
	if r.Main.Cgo {
		opt.Env["CGO_ENABLED"] = "1"
	}
	tags := r.Tags
	if len(tags) == 0 && r.Make != nil {
		tags = r.Make.Tags
	}
	if len(tags) > 0 {
		opt.Flags = append(opt.Flags, "-tags="+strings.Join(tags, ","))
	}
	if err := tools.Build(ctx, module, out, opt); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(out)
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("building the program: go build made %d files", len(files))
	}
	f, err := os.Open(filepath.Join(out, files[0].Name()))
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	b, err := binary.Read(f, fi.Size(), files[0].Name())
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	return b, nil
}
