package prove

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// Observed is one run of an image: what was seen from outside, and what the program printed.
type Observed struct {
	audit.Observation
	Printed string
}

// Observe runs the image of an archive in OCI layout once, as its config says or on a read-only root, and judges nothing.
// An image with CA roots of which one is valid trusts what it dials, as with Prove; another is run as it is. The error is
// ours or runc's, never the program's.
func Observe(ctx context.Context, runc *Engine, archive string, needs Needs, readOnly bool) (seen Observed, err error) {
	w, err := openWorkshop()
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	img, err := layers.Read(ctx, layers.OCIArchive, archive, layers.Options{})
	if err != nil {
		return seen, err
	}
	if img.FS == nil {
		return seen, fmt.Errorf("observing %s: the image could not be read", archive)
	}
	ca, err := newAuthority(time.Now().AddDate(0, 0, 7))
	if err != nil {
		return seen, err
	}
	changed := archive
	if valid(img) {
		c, err := (&change{}).trusting(img, ca)
		if err != nil {
			return seen, err
		}
		changed = filepath.Join(w.dir, "trusting.tar")
		if err := derive(archive, changed, *c); err != nil {
			return seen, err
		}
	}
	p := &prover{workshop: w, Options: Options{Needs: needs}}
	r := &recorder{runner: &bare{Engine: runc, dir: w.dir}}
	image, err := r.load(ctx, changed)
	if err != nil {
		return seen, err
	}
	t := &trial{runner: r, needs: needs, ca: ca, stop: stopSignal(img.Config.StopSignal), health: healthCommand(img.Config), run: p.bounded(Run{Args: needs.Args, Env: needs.Env, ReadOnly: readOnly}, image)}
	if seen.Observation, err = t.do(ctx); err != nil {
		return seen, err
	}
	seen.Printed = r.last.output()
	return seen, r.unload(image)
}

// valid reports whether an image has a CA root of today that its user can read.
func valid(img *layers.Image) bool {
	now := time.Now()
	for _, root := range img.FS.CARoots(img.Config.Env, img.FS.Identity(img.Config.User)).Roots {
		if now.After(root.NotBefore) && now.Before(root.NotAfter) {
			return true
		}
	}
	return false
}

// recorder remembers the container that it made, whose output outlives it.
type recorder struct {
	runner
	last container
}

func (r *recorder) create(ctx context.Context, run Run) (container, error) {
	c, err := r.runner.create(ctx, run)
	r.last = c
	return c, err
}

// UnderReadOnly are the findings that a read-only root adds to those of an audit, which sees the image alone.
func UnderReadOnly(r *audit.Result) []audit.Prediction { return underReadOnly(r) }
