package prove

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"time"
)

// loadDocker has docker load an archive in OCI layout. Docker reads such a layout from version 25 on; every version reads
// what it saves itself: the same blobs with a manifest.json that names them. Source: moby, image/tarexport/load.go.
func (c *cli) loadDocker(ctx context.Context, archive string) (string, error) {
	in, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer in.Close()
	manifest, err := savedManifest(in, imageName(archive))
	if err != nil {
		return "", err
	}
	// The daemon goes on when its client ends. What it reads has the manifest at its end: without it nothing is loaded.
	loading, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { stop(context.Cause(ctx)) }) })()
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(asSaved(ctx, in, w, manifest)) }()
	out, err := c.feed(loading, c.dir, r, "load", "--quiet")
	if ctx.Err() == nil {
		return out, err
	}
	if err == nil {
		err = c.unload(imageName(archive))
	} else {
		err = nil // of half an archive
	}
	return "", errors.Join(context.Cause(ctx), err)
}

// savedManifest is the manifest.json of an archive that has one image.
func savedManifest(in io.ReadSeeker, name string) ([]byte, error) {
	l, err := readLayout(in)
	if err != nil {
		return nil, err
	}
	blobs, err := descriptors(l.manifest["layers"])
	if err != nil {
		return nil, err
	}
	files := []string{}
	for _, b := range blobs {
		files = append(files, blobName(b.Digest))
	}
	config, err := descriptors([]any{l.manifest["config"]})
	if err != nil {
		return nil, err
	}
	return json.Marshal([]object{{"Config": blobName(config[0].Digest), "RepoTags": []string{name}, "Layers": files}})
}

// asSaved copies an archive with a manifest.json in place of what makes it an OCI layout.
func asSaved(ctx context.Context, in io.ReadSeeker, out io.Writer, manifest []byte) error {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w := tar.NewWriter(out)
	ofLayout := []string{"index.json", "oci-layout", "manifest.json"}
	if err := copyMembers(w, &until{ctx, in}, func(name string) bool { return slices.Contains(ofLayout, name) }); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := writeMember(w, "manifest.json", 0o644, manifest); err != nil {
		return err
	}
	return w.Close()
}

// until reads as long as a context is not done.
type until struct {
	ctx context.Context
	in  io.Reader
}

func (u *until) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.in.Read(p)
}
