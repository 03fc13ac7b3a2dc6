package layers

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Addition is what one step of a build adds to an image: a step of its history and, if Files is not nil, a layer.
type Addition struct {
	Step Step // Layer and Empty are filled in
	// Files are the entries of the layer, in the order of a tar; an empty list is a layer with nothing in it.
	Files []File
}

// Stack lays layers over an image, nil for none, as if a build had added them: the files are merged by the same rules as
// those that were read, and the steps continue the history. The image is not changed. The new one says that it is
// Predicted; it has no digest, and neither have its new layers, nor sizes. It has the config and platform of the image.
func Stack(base *Image, added []Addition) (*Image, error) {
	img := &Image{memo: &memo{}, FS: &FS{tree: newTree()}}
	if base != nil {
		c := *base
		img = &c
		img.Digest, img.Provenance = "", nil
		img.History, img.Layers, img.strata = slices.Clone(base.History), slices.Clone(base.Layers), slices.Clone(base.strata)
	}
	img.Predicted = true
	if img.FS == nil {
		return img, nil
	}
	for _, a := range added {
		a.Step.Layer, a.Step.Empty = -1, a.Files == nil
		if a.Files != nil {
			s, err := stratumOf(a.Files)
			if err != nil {
				return nil, fmt.Errorf("layer %d: %w", len(img.Layers), err)
			}
			a.Step.Layer = len(img.Layers)
			img.Layers = append(img.Layers, Layer{Index: len(img.Layers), Step: len(img.History), CreatedBy: a.Step.CreatedBy, Entries: len(a.Files)})
			img.strata = append(img.strata, s)
		}
		img.History = append(img.History, a.Step)
	}
	if len(img.Layers) > maxLayers {
		return nil, limitError("image", maxLayers, "layers")
	}
	img.FS = nil
	img.merge("the predicted image")
	if img.FS == nil {
		return nil, img.Unread[len(img.Unread)-1].Err
	}
	return img, nil
}

// stratumOf makes what a layer says of the files in it.
func stratumOf(files []File) (*stratum, error) {
	var s stratum
	var search searcher
	for i := range files {
		it, err := files[i].item()
		if err == nil && files[i].Open != nil {
			err = it.look(files[i].Path, &search)
		} else if it.entry.Mode.IsRegular() && !it.entry.ELF && files[i].like == nil {
			it.note(search.whole(files[i].Path, files[i].Data))
		}
		if err == nil {
			err = s.add(files[i].Path, &it)
		}
		if err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// look reads a file that can be opened once, for what is noted of every file of a layer.
func (it *item) look(name string, search *searcher) error {
	if !it.entry.Mode.IsRegular() || it.entry.Size == 0 {
		return nil
	}
	r, err := it.content.open(it.entry.Size)
	if err != nil {
		return err
	}
	defer r.Close()
	in := io.NewSectionReader(r, 0, it.entry.Size)
	head := make([]byte, min(it.entry.Size, int64(len(elfMagic))))
	if _, err := io.ReadFull(in, head); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if it.entry.ELF = string(head) == elfMagic; it.entry.ELF {
		return nil
	}
	finds, err := search.stream(name, head, it.entry.Size, in, io.Discard)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	it.note(finds)
	return nil
}

// opener is content outside of any image.
type opener func() (fs.File, error)

func (o opener) open(size int64) (readAtCloser, error) {
	f, err := o()
	if err != nil {
		return nil, err
	}
	if r, ok := f.(readAtCloser); ok {
		return r, nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, size))
	if err == nil && int64(len(b)) < size {
		err = io.ErrUnexpectedEOF
	}
	return memory{bytes.NewReader(b)}, err
}

// Holds reports whether a directory, or a file that is like one of another tree, stands in this one already just as it
// is, with the same owner and mode. Of a file that is true only if both trees have it from the same layer. What a step
// puts over itself is no part of the layer that it makes.
func (f *FS) Holds(file File) bool {
	n := f.tree.find(path.Clean("/" + file.Path))
	if n == nil || n.entry.Mode != file.Mode || n.entry.UID != file.UID || n.entry.GID != file.GID {
		return false
	}
	if n.isDir() {
		return true
	}
	if file.like == nil || n.entry.Caps != file.Caps {
		return false
	}
	have, ok := n.content.(*remembered)
	return ok && file.like.content == content(have)
}

// Like returns the entry at a rooted path, following no symlink, as a file that can be put elsewhere: with its mode,
// owner and contents, under another path. It is false if nothing stands there.
func (f *FS) Like(from, to string) (File, bool) {
	n := f.tree.find(path.Clean("/" + from))
	if n == nil {
		return File{}, false
	}
	e := &n.entry
	file := File{Path: strings.TrimPrefix(to, "/"), Mode: e.Mode, UID: e.UID, GID: e.GID, Link: e.Link, Caps: e.Caps, Size: e.Size}
	if open, ok := n.content.(opener); ok && e.Mode.IsRegular() {
		file.Open = open
	} else if e.Mode.IsRegular() {
		file.like = n.item
	}
	return file, true
}
