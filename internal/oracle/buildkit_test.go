package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// input is what both sides are given.
type input struct {
	source []byte
	args   map[string]string
	ignore string // .dockerignore, "" for none
	base   dockerspec.DockerOCIImageConfig
	arch   string // of the base images, "" for the one that is asked for
}

// said is one warning of either side.
type said struct {
	rule, message string
	first, last   int
}

func (s said) String() string { return fmt.Sprintf("%d-%d %s: %s", s.first, s.last, s.rule, s.message) }

// images answers for every base image with the same config.
type images struct {
	config dockerspec.DockerOCIImageConfig
	arch   string
}

var linux = ocispecs.Platform{OS: "linux", Architecture: "amd64"}

// ResolveImageConfig implements llb.ImageMetaResolver.
func (r images) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	img := dockerspec.DockerOCIImage{Config: r.config}
	img.Platform = linux
	if p := opt.ImageOpt.Platform; p != nil {
		img.Platform = *p
	}
	if r.arch != "" {
		img.Platform = ocispecs.Platform{OS: "linux", Architecture: r.arch}
	}
	img.RootFS = ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString("layer")}}
	text, err := json.Marshal(img)
	return ref, "", text, err
}

// options are BuildKit's for a build. Without LLBCaps a bind mount makes it panic, without the map's Definition the lint
// does.
func (b input) options(t testing.TB) dockerfile2llb.ConvertOpt {
	t.Helper()
	caps := pb.Caps.CapSet(pb.Caps.All())
	sm := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", b.source)
	sm.Definition = &llb.Definition{}
	platform := linux
	opt := dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildArgs: b.args, BuildPlatforms: []ocispecs.Platform{linux}},
		MetaResolver:   images{b.base, b.arch},
		SourceMap:      sm,
		TargetPlatform: &platform,
		LLBCaps:        &caps,
	}
	if b.ignore != "" {
		client, err := dockerui.NewClient(&gateway{ignore: b.ignore})
		if err != nil {
			t.Fatal(err)
		}
		opt.Client = client
	}
	return opt
}

// check is BuildKit's lint of all stages (docker build --check): the warnings, and the error that ended it.
func (b input) check(t testing.TB) ([]said, string) {
	t.Helper()
	results, err := dockerfile2llb.DockerfileLint(context.Background(), b.source, b.options(t))
	if err != nil {
		t.Fatal(err)
	}
	var out []said
	for _, w := range results.Warnings {
		out = append(out, fromLint(w))
	}
	if results.Error != nil {
		return out, results.Error.Message
	}
	return out, ""
}

func fromLint(w lint.Warning) said {
	s := said{rule: w.RuleName, message: w.Detail}
	if r := w.Location.Ranges; len(r) > 0 {
		s.first, s.last = int(r[0].Start.Line), int(r[len(r)-1].End.Line)
	}
	return s
}

// convert is BuildKit's conversion of the target: what it warns of on the way, and the image config.
func (b input) convert(t testing.TB) (*dockerfile2llb.Result, []said, error) {
	t.Helper()
	opt := b.options(t)
	var mu sync.Mutex // BuildKit resolves base images side by side
	var out []said
	opt.Warn = func(rule, _, _, message string, location []parser.Range) {
		mu.Lock()
		defer mu.Unlock()
		s := said{rule: rule, message: message}
		if len(location) > 0 {
			s.first, s.last = location[0].Start.Line, location[len(location)-1].End.Line
		}
		out = append(out, s)
	}
	result, err := dockerfile2llb.Dockerfile2LLB(context.Background(), b.source, opt)
	return result, out, err
}
