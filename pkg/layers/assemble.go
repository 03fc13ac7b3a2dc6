package layers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// workers is how many layers are read at once.
const workers = 2

// read reads an image that was found, short is what to call it in messages.
func (f *found) read(ctx context.Context, kind Kind, name, short string, opt Options) (*Image, error) {
	if f.err != nil {
		return nil, fmt.Errorf("reading %s: %w", short, f.err)
	}
	img, err := f.describe(kind, name, opt)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", short, err)
	}
	f.findBase(ctx, img, opt)
	if opt.ConfigOnly {
		img.memo = &memo{store: opt.Cache}
		return img, nil
	}
	progress := &reporter{call: opt.Progress}
	progress.report(Progress{Phase: PhaseFind, Total: len(f.layers), Done: true})
	img.memo = &memo{store: opt.Cache}
	img.strata = f.readLayers(ctx, img, short, progress)
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("reading %s: %w", short, err)
	}
	progress.report(Progress{Phase: PhaseMerge, Total: len(f.layers)})
	start := time.Now()
	if len(img.Unread) == 0 {
		img.merge(short)
	}
	progress.report(Progress{Phase: PhaseMerge, Total: len(f.layers), Done: true, Took: time.Since(start)})
	return img, nil
}

// describe reads the config and fills in all that is known before the layers are read.
func (f *found) describe(kind Kind, name string, opt Options) (*Image, error) {
	c, err := parseConfig(f.config, len(f.layers))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	img := &Image{Ref: name, Source: string(cmp.Or(f.source, kind)), Digest: f.digest, Platform: c.platform(), Config: c.runtime(), Provenance: f.provenance, Base: f.baseOf()}
	if img.Platform.OS == "" && f.platform != nil {
		img.Platform = *f.platform
	}
	if opt.Platform != "" && opt.Platform != AllPlatforms {
		want, err := parsePlatform(opt.Platform)
		if err != nil {
			return nil, err
		}
		if !img.Platform.satisfies(want) {
			return nil, fmt.Errorf("%w: %s, the image is for %s", ErrPlatform, want, printable(img.Platform.String()))
		}
	}
	var steps []int
	img.History, steps = c.steps()
	base := true
	for i, layer := range f.layers {
		base = base && i < len(opt.BaseDiffIDs) && opt.BaseDiffIDs[i] == c.RootFS.DiffIDs[i]
		l := Layer{Index: i, Digest: layer.Digest, DiffID: c.RootFS.DiffIDs[i], MediaType: layer.MediaType,
			Size: max(layer.Size, 0), Step: steps[i], Base: base}
		if l.Step >= 0 {
			l.CreatedBy = img.History[l.Step].CreatedBy
		}
		l.Line, l.LastLine = f.provenance.line(i)
		img.Layers = append(img.Layers, l)
	}
	return img, nil
}

// readLayers reads the layers, the highest first: it is the application's, and has the first claim on what is kept in
// memory. It fills in img.Layers and returns what is in them, nil for a layer that could not be read, whose error is in
// img.Unread.
func (f *found) readLayers(ctx context.Context, img *Image, short string, progress *reporter) []*stratum {
	all := make([]*stratum, len(f.layers))
	errs := make([]error, len(f.layers))
	left := f.left
	origins := make([]*origin, len(f.layers))
	for i := range f.layers {
		origins[i] = img.memo.from(i, img.Layers[i].DiffID)
	}
	todo := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, len(f.layers)) {
		wg.Go(func() {
			for i := range todo {
				start, o := time.Now(), origins[i]
				o.counter = &counter{reporter: progress, next: start, progress: Progress{Phase: PhaseLayer, Layer: img.Layers[i], Total: len(f.layers)}}
				var cached bool
				all[i], cached, errs[i] = f.layers[i].read(ctx, &img.Layers[i], left, o)
				done := o.counter.progress
				o.counter = nil
				done.Layer, done.Done, done.Cached, done.Err, done.Took = img.Layers[i], true, cached, errs[i], time.Since(start)
				progress.report(done)
			}
		})
	}
	for i := len(f.layers) - 1; i >= 0; i-- {
		todo <- i
	}
	close(todo)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			img.unread(i, fmt.Errorf("reading layer %d of %s: %w", i, short, err))
		}
	}
	return all
}

// read gives one layer, from the cache if it has it, else from its source, where it is checked against its digest and
// diffID and its facts are put into the cache.
func (s *stored) read(ctx context.Context, l *Layer, left *budget, o *origin) (what *stratum, cached bool, err error) {
	if s.because != "" {
		return nil, false, errors.New(s.because)
	}
	f := s.recall(ctx, l, o)
	if f != nil {
		if err := f.charge(left); err != nil {
			return nil, false, err
		}
		again := *l
		again.TarSize, again.Entries = f.tarSize, f.entries
		o.reread = func() (*bodies, error) { return s.reread(&again, left) }
	} else if f, err = s.fetch(ctx, l, left, o); err != nil {
		return nil, false, err
	} else {
		o.keep(f)
	}
	cached = o.reread != nil
	l.Digest, l.Size, l.TarSize, l.Entries = f.digest, f.size, f.tarSize, f.entries
	if l.MediaType == dockerLayer && f.form != plain { // a docker-archive does not say
		l.MediaType += "." + string(f.form)
	}
	return &f.stratum, cached, nil
}

// fetch reads a layer from its source and checks it against its digest and diffID.
func (s *stored) fetch(ctx context.Context, l *Layer, left *budget, o *origin) (*facts, error) {
	f, err := s.load(ctx, left, o)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if s.Digest != "" {
		if err := verify(f.digest, s.Digest); err != nil {
			return nil, fmt.Errorf("blob: %w", err)
		}
	}
	if err := verify(f.diffID, l.DiffID); err != nil {
		return nil, fmt.Errorf("diffID: %w", err)
	}
	if o.disk != nil {
		o.noteFile(o.disk, f.digest)
	}
	return f, nil
}

// explain says of a layer on disk that cannot be read whether its bytes are the promised ones at all: a wrong digest is
// the cause, a broken gzip stream only its symptom.
func (s *stored) explain(ctx context.Context, err error) error {
	d, ok := s.blob.(diskBlob)
	if !ok || s.Digest == "" || context.Cause(ctx) != nil {
		return err
	}
	r, openErr := d.open(ctx)
	if openErr != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	if n, copyErr := io.Copy(sum, io.LimitReader(r, s.Size+1)); copyErr != nil || n != s.Size {
		return err // cut off or too long, which err says
	}
	if wrong := verify("sha256:"+hex.EncodeToString(sum.Sum(nil)), s.Digest); wrong != nil {
		return fmt.Errorf("blob: %w (%w)", wrong, err)
	}
	return err
}

// oneLine gives an error the shape of a report's line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// load reads a layer in place if it lies uncompressed on disk, else as a stream.
func (s *stored) load(ctx context.Context, left *budget, o *origin) (*facts, error) {
	if p, ok := s.blob.(*passed); ok {
		p.from.become(o)
		return p.facts, p.err
	}
	most := int64(-1)
	if s.Digest != "" {
		most = s.Size
	}
	d, ok := s.blob.(diskBlob)
	if !ok {
		return readStream(ctx, s.blob, most, left, o)
	}
	b, err := d.onDisk()
	if err != nil {
		return nil, err
	}
	head, err := b.head()
	if err != nil {
		return nil, err
	}
	if compressionOf(head) == plain {
		return readInPlace(ctx, b, left, o)
	}
	return readStream(ctx, b, most, left, o)
}

// head returns the first bytes of a blob.
func (b *fileBlob) head() ([]byte, error) {
	r, f, err := b.section()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return head[:n], nil
}

// merge lays the layers, all of them read, over each other.
func (img *Image) merge(short string) {
	t := newTree()
	for i, s := range img.strata {
		if err := t.lay(i, s); err != nil {
			img.unread(i, fmt.Errorf("merging layer %d of %s: %w", i, short, err))
			return
		}
	}
	t.finish()
	img.FS = &FS{tree: t}
}

// unread notes a layer that could not be read.
func (img *Image) unread(i int, err error) {
	what := fmt.Sprintf("layer %d", i)
	if d := img.Layers[i].Digest; d != "" {
		what += " " + d
	}
	img.Unread = append(img.Unread, Unread{What: what, Because: oneLine(err), Err: err})
}
