package prove

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// Bounds of a comparison.
const (
	maxDifferences = 200     // listed
	maxCompared    = 1 << 20 // entries of one layer
	maxLooked      = 100     // files that are looked into
	maxLookedSize  = 256 << 20
)

// comparison is two images being compared, of which archives are on disk.
type comparison struct {
	dir     string
	built   [2]made
	images  [2]*layers.Image
	subject *audit.Subject // of the first image
	found   *audit.Reproducible
	looked  int // files looked into
	moved   int // layers of the base image up to the last that differs
}

// tarEntry is one entry of a layer.
type tarEntry struct {
	header *tar.Header
	order  int
	sum    [sha256.Size]byte // of its contents
}

// run compares configs, then layer by layer.
func (c *comparison) run(ctx context.Context) error {
	a, b := c.images[0], c.images[1]
	c.found.Same = a.Digest == b.Digest
	if c.found.Same {
		return nil
	}
	for i := range max(len(a.Layers), len(b.Layers)) {
		switch {
		case i >= len(b.Layers):
			c.add(audit.Difference{What: "only first", First: a.Layers[i].CreatedBy, Layer: c.layer(i), Cause: audit.CauseUnknown}, i, "")
		case i >= len(a.Layers):
			c.add(audit.Difference{What: "only second", Second: b.Layers[i].CreatedBy, Cause: audit.CauseUnknown}, -1, "")
		case a.Layers[i].DiffID == b.Layers[i].DiffID && a.Layers[i].Digest != b.Layers[i].Digest:
			c.add(audit.Difference{What: "compression", First: a.Layers[i].Digest, Second: b.Layers[i].Digest, Cause: audit.CauseCompression,
				Because: "the tar has the same digest", Remedy: "Build with one version of the builder"}, i, "")
		case a.Layers[i].DiffID != b.Layers[i].DiffID && a.Layers[i].Base:
			c.base(i)
		case a.Layers[i].DiffID != b.Layers[i].DiffID:
			if err := c.compareLayer(ctx, i); err != nil {
				return err
			}
		}
	}
	return c.compareConfigs()
}

func (c *comparison) layer(i int) *audit.LayerRef {
	l := c.images[0].Layers[i]
	return &audit.LayerRef{Digest: l.Digest, Index: i, CreatedBy: l.CreatedBy}
}

// base is a layer that the builds took from the base image.
func (c *comparison) base(i int) {
	c.moved = i + 1
	c.add(audit.Difference{What: "layer", First: c.images[0].Layers[i].DiffID, Second: c.images[1].Layers[i].DiffID, Cause: audit.CauseBase,
		Because: "the layer comes from the base image", Remedy: "Pin the base image by its digest"}, i, "")
}

// add lists a difference, with the line to blame for a path of a layer of the first image; layer -1 is none.
func (c *comparison) add(d audit.Difference, layer int, p string) {
	if len(c.found.Differs) >= maxDifferences {
		c.found.More++
		return
	}
	if layer >= 0 {
		d.Layer = c.layer(layer)
		cause := c.blame(layer, p)
		d.Blame, d.Location = cause.Blame, cause.Location
	} else if d.Blame.Kind == "" {
		d.Blame = audit.Blame{Kind: audit.BlameUnknown, Because: "no layer of the first image has it"}
	}
	c.found.Differs = append(c.found.Differs, d)
}

// blame finds the line that made a path: through COPY --from to the stage in which it was made.
func (c *comparison) blame(layer int, p string) audit.Cause {
	s := c.subject
	for _, prog := range s.Programs {
		if prog.Path == p {
			return s.BlameBuild(prog)
		}
	}
	cause := s.BlameIn(layer, p)
	if p == "" || cause.By == nil || cause.Blame.Kind != audit.BlameInstruction || cause.By.Copy == nil {
		return cause
	}
	origin := s.Dockerfile.Origin(s.Dockerfile.Final(), p)
	if n := len(origin); n > 1 && origin[0] == cause.By {
		cause.Location = s.BlameLine(origin[n-1]).Location
	}
	return cause
}

// compareLayer compares the tars of a layer.
func (c *comparison) compareLayer(ctx context.Context, i int) error {
	if c.blame(i, "").Blame.Kind == audit.BlameBase {
		c.base(i)
		return nil
	}
	var lists [2]map[string]*tarEntry
	for side := range lists {
		list, err := c.list(ctx, side, i)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			c.found.Unread = append(c.found.Unread, audit.NotCompared{What: fmt.Sprintf("layer %d", i), Because: err.Error()})
			return nil
		}
		lists[side] = list
	}
	before := len(c.found.Differs) + c.found.More
	renamed := c.sides(i, lists)
	var contents []string
	for _, p := range slices.Sorted(maps.Keys(lists[0])) {
		a, b := lists[0][p], lists[1][p]
		if b == nil {
			continue
		}
		for _, d := range metadata(a.header, b.header) {
			d.Path = p
			d.Cause, d.Because = c.whyMetadata(d, a.header, b.header)
			c.add(d, i, p)
		}
		if a.header.Typeflag == tar.TypeReg && b.header.Typeflag == tar.TypeReg && a.sum != b.sum {
			contents = append(contents, p)
		}
	}
	if err := c.contents(ctx, i, contents); err != nil {
		return err
	}
	if len(c.found.Differs)+c.found.More == before && !renamed {
		c.add(ordered(lists), i, "")
	}
	return nil
}

// list reads a layer's tar.
func (c *comparison) list(ctx context.Context, side, layer int) (map[string]*tarEntry, error) {
	all := map[string]*tarEntry{}
	err := c.each(ctx, side, layer, func(p string, h *tar.Header, body io.Reader) error {
		if len(all) >= maxCompared {
			return fmt.Errorf("more than %d entries", maxCompared)
		}
		e := &tarEntry{header: h, order: len(all)}
		sum := sha256.New()
		if _, err := io.Copy(sum, body); err != nil {
			return err
		}
		sum.Sum(e.sum[:0])
		all[p] = e
		return nil
	})
	return all, err
}

// each calls do for every entry of a layer.
func (c *comparison) each(ctx context.Context, side, layer int, do func(p string, h *tar.Header, body io.Reader) error) error {
	in, err := layers.Tar(ctx, layers.OCIArchive, c.built[side].archive, layers.Options{}, layer)
	if err != nil {
		return err
	}
	defer in.Close()
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = do(path.Clean("/"+h.Name), h, r)
		}
		if err != nil {
			return err
		}
	}
}

// typeNames are the types of tar entries, for people.
var typeNames = map[byte]string{tar.TypeReg: "file", tar.TypeDir: "directory", tar.TypeSymlink: "symlink", tar.TypeLink: "hard link",
	tar.TypeChar: "device", tar.TypeBlock: "device", tar.TypeFifo: "pipe"}

// metadata lists what differs in two headers beside size and contents.
func metadata(a, b *tar.Header) (all []audit.Difference) {
	differ := func(what, first, second string) {
		if first != second {
			all = append(all, audit.Difference{What: what, First: first, Second: second})
		}
	}
	differ("type", typeNames[a.Typeflag], typeNames[b.Typeflag])
	differ("mode", fmt.Sprintf("%#o", a.Mode), fmt.Sprintf("%#o", b.Mode))
	differ("owner", fmt.Sprintf("%d:%d", a.Uid, a.Gid), fmt.Sprintf("%d:%d", b.Uid, b.Gid))
	differ("link", a.Linkname, b.Linkname)
	differ("mtime", a.ModTime.UTC().Format(time.RFC3339Nano), b.ModTime.UTC().Format(time.RFC3339Nano))
	differ("attributes", attributes(a), attributes(b))
	return all
}

// attributes are the extended attributes of an entry, and its other records that are no times.
func attributes(h *tar.Header) string {
	var all []string
	for _, k := range sorted(h.PAXRecords) {
		if strings.HasPrefix(k, "SCHILY.xattr.") {
			all = append(all, fmt.Sprintf("%s=%q", strings.TrimPrefix(k, "SCHILY.xattr."), h.PAXRecords[k]))
		}
	}
	return strings.Join(all, " ")
}

// ordered is what is left when two tars hold the same entries: their order, or the way in which they are written.
func ordered(lists [2]map[string]*tarEntry) audit.Difference {
	for _, p := range slices.SortedFunc(maps.Keys(lists[0]), func(x, y string) int { return lists[0][x].order - lists[0][y].order }) {
		if a, b := lists[0][p], lists[1][p]; a.order != b.order {
			return audit.Difference{What: "order", Path: p, First: fmt.Sprintf("entry %d", a.order+1), Second: fmt.Sprintf("entry %d", b.order+1),
				Cause: audit.CauseOrder, Because: "both tars hold the same entries"}
		}
	}
	return audit.Difference{What: "layer", Cause: audit.CauseUnknown, Because: "both tars hold the same entries in the same order: their headers are written in different ways"}
}

// contents looks into the files whose contents differ.
func (c *comparison) contents(ctx context.Context, layer int, paths []string) error {
	looked := paths[:min(len(paths), max(0, maxLooked-c.looked))]
	c.looked += len(looked)
	for _, p := range paths[len(looked):] {
		c.add(audit.Difference{What: "content", Path: p, Cause: audit.CauseUnknown, Because: fmt.Sprintf("only the first %d files were looked into", maxLooked)}, layer, p)
	}
	if len(looked) == 0 {
		return nil
	}
	dir, err := os.MkdirTemp(c.dir, "differing")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for side := range 2 {
		err := c.each(ctx, side, layer, func(p string, h *tar.Header, body io.Reader) error {
			i, ok := slices.BinarySearch(looked, p)
			if !ok || h.Size > maxLookedSize || h.Typeflag != tar.TypeReg {
				return nil
			}
			out, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%d-%d", i, side)), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				return err
			}
			if _, err := io.Copy(out, body); err != nil {
				out.Close()
				return err
			}
			return out.Close()
		})
		if err != nil {
			return err
		}
	}
	for i, p := range looked {
		d, err := c.look(p, filepath.Join(dir, fmt.Sprintf("%d-0", i)), filepath.Join(dir, fmt.Sprintf("%d-1", i)))
		if err != nil {
			return err
		}
		c.add(d, layer, p)
	}
	return nil
}
