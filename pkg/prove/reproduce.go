package prove

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

// Twice says what is built twice, and how what was built is read.
type Twice struct {
	Engine *Engine
	Build  Build
	// Apart is how long the second build waits; zero is until a clock shows another second.
	Apart time.Duration
	// Audit reads an archive with its Dockerfile; the first image's lines are blamed.
	Audit    func(ctx context.Context, archive string) (*audit.Subject, *audit.Result, error)
	Progress func(line string) // nil for none
}

// epochArg is the build argument by which a builder is told the time that it shall write. Source: reproducible-builds.org,
// "SOURCE_DATE_EPOCH"; BuildKit docs/build-repro.md.
const epochArg = "SOURCE_DATE_EPOCH"

// usualEpoch is 1 January 1980, the earliest time that a zip file can hold.
const usualEpoch = "315532800"

// spaceArg is the build argument that gives the cache mounts of a build a namespace of their own; the image knows nothing of
// it. Source: BuildKit frontend/dockerfile/docs/reference.md, "BuildKit built-in build args".
const spaceArg = "BUILDKIT_CACHE_MOUNT_NS"

// largestCopy bounds the context that is copied for the second build, in bytes.
const largestCopy = 1 << 30

// Reproduce builds twice without a cache and with empty cache mounts, the second time later and from a copy of the context in
// another directory whose files are new, and compares what comes out. Both builds write the times of files as SOURCE_DATE_EPOCH says, so that what
// differs is what the Dockerfile and its programs made different.
func Reproduce(ctx context.Context, t Twice) (proof *audit.Proof, err error) {
	began := time.Now()
	w, err := openWorkshop()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Engine.removeCacheMounts(w), w.close()) }()
	if t.Progress == nil {
		t.Progress = func(string) {}
	}
	t.Build.NoCache = true
	t.Build.BuildArgs = maps.Clone(t.Build.BuildArgs)
	if t.Build.BuildArgs == nil {
		t.Build.BuildArgs = map[string]string{}
	}
	if t.Build.BuildArgs[epochArg] == "" {
		t.Build.BuildArgs[epochArg] = usualEpoch
	}
	t.Build.Epoch = t.Build.BuildArgs[epochArg]
	p := &audit.Proof{Engines: []string{t.Engine.String()}, Steps: []audit.Step{}, Skipped: []audit.SkippedStep{}, Outcome: audit.OutcomeUnproven}
	defer func() { p.Seconds = time.Since(began).Seconds() }()
	r := &audit.Reproducible{Digests: []string{}, Epoch: t.Build.Epoch, Varied: []string{"the time"}, Differs: []audit.Difference{}}
	p.Reproducible = r
	var built [2]made
	for i := range built {
		if i == 1 {
			if err := t.vary(ctx, w, r, built[0].ended); err != nil {
				return p, err
			}
		}
		if err := t.emptyCacheMounts(w, i); err != nil {
			return p, err
		}
		t.Progress(fmt.Sprintf("build %d of 2 with %s", i+1, t.Engine))
		m := made{archive: filepath.Join(w.dir, fmt.Sprintf("built-%d.tar", i+1)), began: time.Now()}
		err := t.Build.Run(ctx, t.Engine, m.archive, t.Progress)
		m.ended = time.Now()
		r.Seconds[i] = m.ended.Sub(m.began).Seconds()
		var failed *BuildError
		switch {
		case errors.As(err, &failed):
			r.Failed = fmt.Sprintf("build %d of 2: %s", i+1, failed.Words)
			p.Build = &audit.Built{Dockerfile: "Dockerfile", Seconds: r.Seconds[i], Failed: failed.Words, Output: failed.Output,
				Predictions: []audit.Prediction{}, Outcome: audit.OutcomeUnproven, Because: r.Failed}
			return p, nil
		case err != nil:
			return p, err
		}
		built[i] = m
	}
	t.Progress("comparing the images")
	if err := t.compare(ctx, w.dir, built, r); err != nil {
		return p, fmt.Errorf("comparing two builds: %w", err)
	}
	p.Image = r.Digests[0]
	if p.Outcome = audit.OutcomeDiffers; r.Same {
		p.Outcome = audit.OutcomeHolds
	}
	return p, nil
}

// made is one of the two builds.
type made struct {
	archive      string
	began, ended time.Time
}

// vary waits for another second, and gives the second build a context of its own.
func (t *Twice) vary(ctx context.Context, w *workshop, r *audit.Reproducible, ended time.Time) error {
	wait := t.Apart
	if wait == 0 {
		wait = time.Until(ended.Truncate(time.Second).Add(2 * time.Second))
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
	}
	size, err := sizeOf(t.Build.Context, largestCopy)
	if err == nil && size <= largestCopy {
		to := filepath.Join(w.dir, "context")
		if err = copyTree(t.Build.Context, to); err == nil {
			t.Build.Context = to
			r.Varied = append(r.Varied, "the directory of the context", "the times of its files")
			return nil
		}
	}
	because := fmt.Sprintf("it has more than %d bytes", int64(largestCopy))
	if err != nil {
		because = err.Error()
	}
	r.Unread = append(r.Unread, audit.NotCompared{What: "a build from another directory", Because: "the context was not copied: " + because})
	return nil
}

// emptyCacheMounts gives a build cache mounts that nothing has written into. BuildKit would empty those of the user for a
// build without a cache; in a namespace it takes others. Podman and buildah have theirs in TMPDIR, which is the proof's.
// Source: BuildKit solver/llbsolver/vertex.go, detectPrunedCacheID; containers/buildah internal/volumes, GetCacheMount.
func (t *Twice) emptyCacheMounts(w *workshop, build int) error {
	switch t.Engine.Kind {
	case BuildKit, Docker:
		t.Build.BuildArgs[spaceArg] = fmt.Sprintf("%s-%d", w.name, build+1)
	default:
		if err := removeTree(filepath.Join(w.dir, "tmp")); err != nil {
			return fmt.Errorf("emptying cache mounts: %w", err)
		}
	}
	return nil
}

// removeCacheMounts removes what the builds of a proof left in their namespaces. Docker's client has no words for it; there
// they go when the daemon clears its cache.
func (e *Engine) removeCacheMounts(w *workshop) error {
	if e.Kind != BuildKit {
		return nil
	}
	_, err := e.tidy(w.dir, "prune", "--filter", "type==exec.cachemount,description~="+w.name)
	return err
}

// sizeOf adds up the regular files of a directory, and stops beyond a bound.
func sizeOf(dir string, most int64) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			if total += info.Size(); total > most {
				return fs.SkipAll
			}
		}
		return nil
	})
	return total, err
}

// copyTree copies directories, files and symlinks with their modes; their times are new.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		place := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if err := os.Mkdir(place, 0o700); err != nil {
				return err
			}
			return os.Chmod(place, info.Mode().Perm()|0o700)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, place)
		case info.Mode().IsRegular():
			return copyFile(name, place, info.Mode())
		}
		return nil // sockets and devices are in no context
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chmod(to, mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
}

// compare reads both images and fills in where they differ.
func (t *Twice) compare(ctx context.Context, dir string, built [2]made, r *audit.Reproducible) error {
	c := &comparison{dir: dir, built: built, found: r}
	for i, b := range built {
		s, _, err := t.Audit(ctx, b.archive)
		if err != nil {
			return err
		}
		if s.Image == nil {
			return fmt.Errorf("image %d could not be read", i+1)
		}
		r.Digests = append(r.Digests, s.Image.Digest)
		c.images[i] = s.Image
		if i == 0 {
			c.subject = s
		}
	}
	return c.run(ctx)
}

// Summary is one line on the outcome.
func Summary(r *audit.Reproducible) string {
	switch {
	case r.Failed != "":
		return "not built twice: " + r.Failed
	case r.Same:
		return "both builds give " + r.Digests[0]
	}
	causes := map[string]int{}
	for _, d := range r.Differs {
		causes[string(d.Cause)]++
	}
	var all []string
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		all = append(all, fmt.Sprintf("%s (%d)", cause, causes[cause]))
	}
	return fmt.Sprintf("the builds differ in %d things: %s", len(r.Differs)+r.More, strings.Join(all, ", "))
}
