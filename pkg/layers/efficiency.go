package layers

import "path"

// Efficiency is dive's figure of an image: each path counts with its smallest size for the good and with the sum of its
// sizes in all layers for the whole. A whiteout is one more version of its path: of no bytes for a file, of all that was
// below it for a directory that its layers have an entry of. It is shown beside Waste because people know the figure. A
// deleted directory is no waste to it (its files are other paths than its own), and of N copies all N are.
//
// Source: github.com/wagoodman/dive v0.13.2, dive/filetree/efficiency.go and dive/image/analysis.go; compared with that
// program. At a whiteout of nothing dive gives up on the rest of the layer; this figure does not.
type Efficiency struct {
	Score  float64 `json:"score"`  // 0 to 1; dive's "image efficiency score"
	Wasted int64   `json:"wasted"` // bytes; dive's "potential wasted space": every path of several versions, with all of them
}

// maxEfficiency bounds the entries and whiteouts of an image for which the figure is computed: it takes about 200 bytes
// of memory for each, beside those of the image.
const maxEfficiency = 1 << 18

// Efficiency computes dive's figure; false if the image could not be read as a whole, or has too many entries.
func (img *Image) Efficiency() (Efficiency, bool) {
	if img.FS == nil || len(img.strata) == 0 {
		return Efficiency{}, false
	}
	size := 0
	for _, s := range img.strata {
		size += len(s.items) + len(s.whiteouts)
	}
	if size > maxEfficiency {
		return Efficiency{}, false
	}
	d := dive{paths: map[string]*versions{}, below: newTree(), stated: map[string]bool{}}
	for index, s := range img.strata {
		d.layer(s)
		if d.below.lay(index, s) != nil {
			return Efficiency{}, false
		}
	}
	return d.figure(), true
}

// versions are those of one path.
type versions struct {
	count         int
	smallest, sum int64
}

// dive is the state of the computation: the versions so far, and the tree of the layers so far.
type dive struct {
	paths  map[string]*versions
	below  *tree
	stated map[string]bool // directories that the last layer with something in them has an entry of; dive takes others for files
}

func (d *dive) add(p string, size int64) {
	v := d.paths[p]
	if v == nil {
		v = &versions{smallest: size}
		d.paths[p] = v
	}
	v.count++
	v.sum += size
	v.smallest = min(v.smallest, size)
}

// layer adds the leaves of a layer, the last of each path, and its whiteouts. A directory with nothing in it is a leaf.
func (d *dive) layer(s *stratum) {
	last := make(map[string]*item, len(s.items))
	parents := map[string]bool{}
	for _, it := range s.items {
		last[it.entry.Path] = it
		above(it.entry.Path, parents)
	}
	for _, p := range s.whiteouts {
		above(p, parents)
	}
	for p, it := range last {
		if !parents[p] {
			d.add(p, it.bytes())
		}
	}
	for _, p := range s.whiteouts {
		if n := d.below.find(p); n != nil && d.stated[p] {
			d.add(p, n.bytesBelow())
		} else if n != nil {
			d.add(p, 0)
		}
	}
	for p := range parents {
		d.stated[p] = false
	}
	for p, it := range last {
		d.stated[p] = it.entry.Mode.IsDir()
	}
}

// above marks the directories above a path.
func above(p string, parents map[string]bool) {
	for p = path.Dir(p); !parents[p]; p = path.Dir(p) {
		parents[p] = true
	}
}

// bytes are those of an entry of a tar.
func (it *item) bytes() int64 {
	if !it.entry.Mode.IsRegular() || it.hardlink != "" {
		return 0
	}
	return it.entry.Size
}

// bytesBelow adds up the files in a directory, as their layers store them.
func (n *node) bytesBelow() int64 {
	sum := int64(0)
	for _, child := range n.children.all() {
		if child.isDir() {
			sum += child.bytesBelow()
		} else if child.entry.Mode.IsRegular() && !child.linked() {
			sum += child.entry.Size
		}
	}
	return sum
}

func (d *dive) figure() Efficiency {
	good, whole, e := int64(0), int64(0), Efficiency{Score: 1}
	for _, v := range d.paths {
		good += v.smallest
		whole += v.sum
		if v.count > 1 {
			e.Wasted += v.sum
		}
	}
	if whole > 0 {
		e.Score = float64(good) / float64(whole)
	}
	return e
}
