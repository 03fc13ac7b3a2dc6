package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// StorageFacts say what the bytes of an image are: what it is made of, what can be seen, and what is stored in vain.
type StorageFacts struct {
	Stored int64 `json:"stored"` // bytes of the files of all layers, uncompressed
	Wasted int64 `json:"wasted"` // of these, bytes of files that a layer deleted or overwrote
	// Dive is the same image in dive's figures, by dive's definition; nil if the image is too large for that.
	Dive     *layers.Efficiency `json:"dive,omitempty"`
	ByLayer  []LayerWaste       `json:"byLayer,omitempty"` // by the layer that made the files useless
	Files    []layers.Waste     `json:"files,omitempty"`   // the largest first
	Leftover []layers.Leftover  `json:"leftovers,omitempty"`
	// Managers are the package managers of the image, and OS the distribution that it says it is.
	Managers []string          `json:"packageManagers,omitempty"`
	OS       *layers.OSRelease `json:"os,omitempty"`
	Secrets  []layers.Secret   `json:"secrets,omitempty"`
}

// LayerWaste is what one layer made useless.
type LayerWaste struct {
	Layer int   `json:"layer"`
	Files int   `json:"files"`
	Size  int64 `json:"size"`
}

// storageOf collects the facts of an image that was read as a whole.
func storageOf(img *layers.Image) *StorageFacts {
	s := &StorageFacts{
		Stored: img.FS.Stored(), Files: img.FS.Waste(),
		Leftover: img.FS.Leftovers(), Managers: img.FS.PackageManagers(), Secrets: img.FS.Secrets(),
	}
	if e, ok := img.Efficiency(); ok {
		s.Dive = &e
	}
	if o, ok := img.FS.OSRelease(); ok {
		s.OS = &o
	}
	by := make([]LayerWaste, len(img.Layers))
	for _, w := range s.Files {
		s.Wasted += w.Size
		by[w.By].Layer = w.By
		by[w.By].Files++
		by[w.By].Size += w.Size
	}
	s.ByLayer = slices.DeleteFunc(by, func(l LayerWaste) bool { return l.Files == 0 })
	return s
}

// mostFiles is how many wasted files the text shows; JSON has all.
const mostFiles = 10

// text writes the facts for people; lines says which line made each layer.
func (s *StorageFacts) text(b *strings.Builder, lines []LayerFacts) {
	about := [][]string{
		{"stored", fmt.Sprintf("%d bytes in files", s.Stored)},
		{"wasted", fmt.Sprintf("%d bytes, %s", s.Wasted, share(s.Wasted, s.Stored))},
		{"dive", diveText(s.Dive)},
	}
	if s.OS != nil {
		about = append(about, []string{"distribution", strings.TrimSpace(s.OS.ID + " " + s.OS.Version)})
	}
	if len(s.Managers) > 0 {
		about = append(about, []string{"package managers", strings.Join(s.Managers, ", ")})
	}
	section(b, "storage", about)
	var waste, files, leftovers, secrets [][]string
	for _, l := range s.ByLayer {
		waste = append(waste, []string{fmt.Sprint(l.Layer), fmt.Sprintf("%d bytes", l.Size), plural(l.Files, "file"), blameText(lines[l.Layer])})
	}
	section(b, "wasted by layer", waste)
	for i, w := range s.Files {
		if i == mostFiles {
			files = append(files, []string{fmt.Sprintf("%d more", len(s.Files)-i)})
			break
		}
		files = append(files, []string{w.Path, fmt.Sprintf("%d bytes", w.Size), wasteText(w)})
	}
	section(b, "wasted files", files)
	for _, l := range s.Leftover {
		leftovers = append(leftovers, []string{l.Kind, l.Path, fmt.Sprintf("%d bytes", l.Size), blameText(lines[l.Layer])})
	}
	section(b, "needed by a build only", leftovers)
	for _, x := range s.Secrets {
		secrets = append(secrets, []string{x.Shape, x.Path, fmt.Sprintf("layer %d", x.Layer), blameText(lines[x.Layer])})
	}
	section(b, "secrets", secrets)
}

func diveText(e *layers.Efficiency) string {
	if e == nil {
		return "not computed: the image has too many files"
	}
	return fmt.Sprintf("efficiency %.2f %%, %d bytes wasted, by its definition", 100*e.Score, e.Wasted)
}

func wasteText(w layers.Waste) string {
	how := "overwritten"
	switch {
	case w.Deleted:
		how = "deleted"
	case w.Same:
		how = "written again"
	}
	return fmt.Sprintf("of layer %d, %s by layer %d", w.Layer, how, w.By)
}
