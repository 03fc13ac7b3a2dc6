// Command lintfloor lints every file named Dockerfile below a directory with BuildKit's own lint, as docker build --check
// does, but offline: every base image has an empty config, and there is no build context.
//
//	lintfloor DIR
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: lintfloor DIR")
		os.Exit(2)
	}
	files, warnings := 0, 0
	err := filepath.WalkDir(os.Args[1], func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "Dockerfile" || d.IsDir() {
			return err
		}
		n, err := lint(path)
		files, warnings = files+1, warnings+n
		return err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "lintfloor:", err)
		os.Exit(1)
	}
	fmt.Printf("%d files, %d warnings\n", files, warnings)
}

var linux = ocispecs.Platform{OS: "linux", Architecture: "amd64"}

// lint counts the warnings of one file; one that BuildKit refuses has none. Without LLBCaps a bind mount makes BuildKit
// panic, without the map's Definition the lint does.
func lint(path string) (int, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	caps := pb.Caps.CapSet(pb.Caps.All())
	sm := llb.NewSourceMap(nil, path, "Dockerfile", source)
	sm.Definition = &llb.Definition{}
	platform := linux
	results, err := dockerfile2llb.DockerfileLint(context.Background(), source, dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildPlatforms: []ocispecs.Platform{linux}},
		MetaResolver:   emptyImages{},
		SourceMap:      sm,
		TargetPlatform: &platform,
		LLBCaps:        &caps,
	})
	if err != nil {
		return 0, nil
	}
	return len(results.Warnings), nil
}

// emptyImages answers for every base image with an empty config.
type emptyImages struct{}

// ResolveImageConfig implements llb.ImageMetaResolver.
func (emptyImages) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	img := dockerspec.DockerOCIImage{}
	img.Platform = linux
	if p := opt.ImageOpt.Platform; p != nil {
		img.Platform = *p
	}
	img.RootFS = ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString("layer")}}
	text, err := json.Marshal(img)
	return ref, "", text, err
}
