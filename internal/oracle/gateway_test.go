package oracle

import (
	"context"
	"errors"
	"io/fs"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// gateway is a BuildKit daemon that has nothing but a build context with an ignore file.
type gateway struct {
	client.Client
	ignore string
}

var errNoDaemon = errors.New("there is no daemon")

func (g *gateway) Solve(context.Context, client.SolveRequest) (*client.Result, error) {
	r := client.NewResult()
	r.SetRef(&reference{ignore: g.ignore})
	return r, nil
}

func (g *gateway) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts: map[string]string{}, SessionID: "session",
		Caps: pb.Caps.CapSet(pb.Caps.All()), LLBCaps: pb.Caps.CapSet(pb.Caps.All()),
	}
}

func (g *gateway) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

func (g *gateway) ResolveImageConfig(context.Context, string, sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return "", "", nil, errNoDaemon
}

// reference is the context's files.
type reference struct {
	client.Reference
	ignore string
}

func (r *reference) StatFile(_ context.Context, req client.StatRequest) (*fstypes.Stat, error) {
	if req.Path != ".dockerignore" {
		return nil, fs.ErrNotExist
	}
	return &fstypes.Stat{Path: req.Path, Size: int64(len(r.ignore))}, nil
}

func (r *reference) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	if req.Filename != ".dockerignore" {
		return nil, fs.ErrNotExist
	}
	return []byte(r.ignore), nil
}
