package layers_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/imagetest"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

// chance makes layers at random, from a seed, in a directory of their own: few names, so that they meet.
type chance struct {
	*rand.Rand
	top      string
	overlaid bool // for overlayfs: each path once in a layer

	below   map[string]byte       // what the layers so far merge to
	said    map[string]tar.Header // of the files so far
	pinned  []string              // what hard links of this layer name in a lower one
	hidden  []string              // what this layer hides
	deleted []string              // the same without what opaque directories hide
}

// image makes the entries of some layers.
func (c *chance) image(t *testing.T) [][]tar.Header {
	var all [][]tar.Header
	c.said = map[string]tar.Header{}
	for range 2 + c.IntN(4) {
		c.below = kinds(t, all)
		all = append(all, c.layer())
	}
	return all
}

// layer makes 3 to 30 entries.
func (c *chance) layer() []tar.Header {
	var layer []tar.Header
	here := map[string]byte{}
	c.pinned, c.hidden, c.deleted = nil, nil, nil
	for range 3 + c.IntN(28) {
		name := c.name()
		if !c.fits(name, here) {
			continue
		}
		h := tar.Header{Name: name, Mode: int64(c.IntN(0o10000)), Uid: c.IntN(3) * 1000, Gid: c.IntN(3) * 70_000, Format: tar.FormatPAX}
		switch k := c.IntN(20); {
		case k < 7:
			h.Typeflag, h.Size = tar.TypeReg, int64(c.IntN(40))
			h.PAXRecords = c.xattrs(true)
		case k < 11:
			if c.overlaid && within(name, c.deleted) {
				continue
			}
			h.Typeflag, h.Name, h.PAXRecords = tar.TypeDir, name+"/", c.xattrs(false)
		case k < 13:
			h.Typeflag, h.Linkname = tar.TypeSymlink, []string{"a", "../b", "/" + c.top + "/a/b", "/nowhere", "../../../../../../etc", "."}[c.IntN(6)]
		case k < 15:
			h.Typeflag, h.Linkname = tar.TypeLink, c.file(here)
			if h.Linkname == "" || h.Linkname == name || strings.HasPrefix(h.Linkname, name+"/") {
				continue
			}
			h.PAXRecords = c.xattrs(true)
			if of, ok := c.said[h.Linkname]; ok && !c.overlaid { // umoci leaves the file's owner and mode as they are
				h.Mode, h.Uid, h.Gid, h.PAXRecords = of.Mode, of.Uid, of.Gid, of.PAXRecords
			}
		case k < 16:
			h.Typeflag = tar.TypeFifo
		case k < 17:
			h.Typeflag, h.Devmajor, h.Devminor = []byte{tar.TypeChar, tar.TypeBlock}[c.IntN(2)], 7, int64(1+c.IntN(9))
		case k < 19:
			if c.covers(name, c.pinned) || c.covers(name, keys(here)) || slices.Contains(c.deleted, name) {
				continue // nobody agrees on a whiteout behind what it names
			}
			h.Typeflag, h.Name = tar.TypeReg, path.Join(path.Dir(name), ".wh."+path.Base(name))
			c.hidden, c.deleted = append(c.hidden, name), append(c.deleted, name)
		default:
			if c.covers(path.Dir(name), c.pinned) || slices.Contains(c.hidden, path.Dir(name)) {
				continue
			}
			h.Typeflag, h.Name = tar.TypeReg, path.Join(path.Dir(name), ".wh..wh..opq")
			c.hidden = append(c.hidden, path.Dir(name))
		}
		for _, dir := range parents(name) { // nobody agrees on the mode of a directory that is not stated
			if _, stated := here[dir]; !stated {
				here[dir] = tar.TypeDir
				layer = append(layer, tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755, Format: tar.FormatPAX})
			}
		}
		if strings.Contains(h.Name, "/.wh.") {
			h.Mode, h.Size = 0o600, 0
		} else {
			if h.Typeflag != tar.TypeDir {
				maps.DeleteFunc(here, func(p string, _ byte) bool { return strings.HasPrefix(p, name+"/") })
			}
			here[name] = h.Typeflag
			c.said[name] = h
		}
		h.Name = []string{"", "./", "/"}[c.IntN(3)] + h.Name
		layer = append(layer, h)
	}
	return layer
}

// xattrs are the extended attributes of an entry, mostly none.
func (c *chance) xattrs(caps bool) map[string]string {
	records := map[string]string{}
	if caps && c.IntN(6) == 0 {
		records[xattrRecord+"security.capability"] = someCaps
	}
	for _, name := range []string{"user.note", "user.more", "trusted.note", "security.note"} {
		if c.IntN(12) == 0 {
			records[xattrRecord+name] = strings.Repeat("v\x01=\n", c.IntN(5))
		}
	}
	return records
}

// xattrRecord begins the records of extended attributes in a tar.
const xattrRecord = "SCHILY.xattr."

// parents are the directories above a path, the highest first.
func parents(name string) (all []string) {
	for p := path.Dir(name); p != "."; p = path.Dir(p) {
		all = append([]string{p}, all...)
	}
	return all
}

func keys(m map[string]byte) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

// name is a path of at most four elements, now and then a long one.
func (c *chance) name() string {
	name := c.top
	for range 1 + c.IntN(4) {
		element := string("abc"[c.IntN(3)])
		if c.IntN(40) == 0 {
			element = strings.Repeat(element, 120)
		}
		name += "/" + element
	}
	return name
}

// fits tells whether an entry can stand there: every parent is a directory of this layer, or nothing.
func (c *chance) fits(name string, here map[string]byte) bool {
	for p := path.Dir(name); p != "."; p = path.Dir(p) {
		if kind, ok := here[p]; ok && kind != tar.TypeDir {
			return false
		}
		if kind, ok := c.below[p]; ok && kind != tar.TypeDir && !c.overlaid {
			return false
		}
	}
	_, twice := here[name]
	if !c.overlaid {
		return true
	}
	if within(path.Dir(name), c.deleted) {
		return false
	}
	for other := range here {
		twice = twice || strings.HasPrefix(other, name+"/")
	}
	return !twice
}

// covers tells whether one of the paths is, or lies below, a path.
func (c *chance) covers(name string, paths []string) bool {
	for _, p := range paths {
		if p == name || strings.HasPrefix(p, name+"/") {
			return true
		}
	}
	return false
}

// file is a regular file of this layer, or of a lower one, to link to; "" if there is none.
func (c *chance) file(here map[string]byte) string {
	var files []string
	for name, kind := range here {
		if kind == tar.TypeReg {
			files = append(files, name)
		}
	}
	if !c.overlaid && len(files) == 0 {
		for name, kind := range c.below {
			if _, again := here[name]; kind == tar.TypeReg && !again && !within(name, c.hidden) && c.fits(name, here) {
				files = append(files, name)
			}
		}
	}
	if len(files) == 0 {
		return ""
	}
	best := files[0] // the order of a map is no seed
	for _, f := range files {
		if f < best {
			best = f
		}
	}
	if _, ok := here[best]; !ok {
		c.pinned = append(c.pinned, best)
	}
	return best
}

// within tells whether a path is, or lies below, one of some paths.
func within(name string, paths []string) bool {
	for p := name; p != "."; p = path.Dir(p) {
		if slices.Contains(paths, p) {
			return true
		}
	}
	return false
}

// kinds are the paths that layers merge to, so that what is made next has something to meet.
func kinds(t *testing.T, image [][]tar.Header) map[string]byte {
	t.Helper()
	found := map[string]byte{}
	if f := merged(t, image); f != nil {
		check(t, f.Walk(func(e *layers.Entry) error {
			switch {
			case e.Mode.IsDir():
				found[e.Path[1:]] = tar.TypeDir
			case e.Mode.IsRegular():
				found[e.Path[1:]] = tar.TypeReg
			case e.Mode&fs.ModeSymlink != 0:
				found[e.Path[1:]] = tar.TypeSymlink
			default:
				found[e.Path[1:]] = tar.TypeFifo
			}
			return nil
		}))
	}
	return found
}

// tarOf packs entries; a file's contents are its name, repeated.
func tarOfHeaders(t *testing.T, headers []tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		body := bytes.Repeat([]byte(h.Name+fmt.Sprint(h.Mode)), 1+int(h.Size)/len(h.Name))[:h.Size]
		check(t, w.WriteHeader(&h))
		_, err := w.Write(body)
		check(t, err)
	}
	check(t, w.Close())
	return out.Bytes()
}

// merged is what imgaudit makes of an image, nil if it refuses it.
func merged(t *testing.T, image [][]tar.Header) *layers.FS {
	t.Helper()
	if len(image) == 0 {
		return nil
	}
	img := imagetest.Image{Layers: make([][]layers.File, len(image)), Raw: map[int][]byte{}, Packing: map[int]imagetest.Packing{}}
	for i, headers := range image {
		img.Raw[i], img.Packing[i] = tarOfHeaders(t, headers), imagetest.Plain
	}
	dir := filepath.Join(t.TempDir(), "oci")
	imagetest.WriteLayout(t, dir, "1", img.Build(t))
	read, err := layers.Read(t.Context(), layers.OCILayout, dir, layers.Options{})
	check(t, err)
	return read.FS
}

// TestMergeByChance has the judges unpack images made by chance, many at once: each in a directory of its own. What a
// judge refuses to unpack proves nothing and is left out.
func TestMergeByChance(t *testing.T) {
	const images, together = 120, 60
	for name, j := range judges(t) {
		t.Run(name, func(t *testing.T) {
			j.available(t)
			refused := 0
			for first := uint64(0); first < images; first += together {
				var batch [][][]tar.Header
				for seed := first; seed < first+together; seed++ {
					c := &chance{Rand: rand.New(rand.NewPCG(seed, 4)), top: fmt.Sprintf("case%03d", seed), overlaid: name == "overlay"}
					if image := c.image(t); merged(t, image) != nil {
						batch = append(batch, image)
					}
				}
				refused += together - len(batch)
				refused += j.compare(t, batch)
			}
			t.Logf("%d of %d images not compared", refused, images)
			if refused > images/10 {
				t.Error("too many")
			}
		})
	}
}

// compare has the judge unpack images as one, in halves if it refuses them, and returns how many it refuses by themselves.
func (j judge) compare(t *testing.T, batch [][][]tar.Header) (refused int) {
	t.Helper()
	var raw [][]byte
	for i := 0; ; i++ {
		var layer []tar.Header
		more := false
		for _, image := range batch {
			if i < len(image) {
				layer, more = append(layer, image[i]...), true
			}
		}
		if !more {
			break
		}
		raw = append(raw, tarOfHeaders(t, layer))
	}
	diff, err := j.try(t, raw...)
	switch half := len(batch) / 2; {
	case err != nil && len(batch) > 1:
		return j.compare(t, batch[:half]) + j.compare(t, batch[half:])
	case err != nil:
		t.Log(err)
		return 1
	case diff != "":
		t.Error(diff)
	}
	return 0
}
