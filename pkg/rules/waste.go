package rules

import (
	"fmt"
	"slices"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var layerWaste = &audit.Rule{
	ID:       "layer-waste",
	Title:    "a line deletes or writes again what an earlier layer keeps",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "The bytes of files that a layer stores and a later one deletes or overwrites, by the line that does so: of N copies N-1 count, a file of several names counts once, a replaced directory with all that was below it. A line is reported from 1 MiB on that are 5 % of what the image stores, or from 10 MiB on. imgaudit inspect shows all, and dive's efficiency beside it, by dive's own definition.",
		Why:    "A layer is never changed by the next one: what it deletes is still pulled and stored, and what is only given another owner or mode (RUN chown -R) is stored twice.",
		Unless: "The layers below are shared with other images.",
	},
	Check: checkWaste,
}

// Thresholds of a note.
const (
	someWaste  = 1 << 20 // bytes of one line
	muchWaste  = 10 << 20
	wasteShare = 20 // someWaste counts from one in so many bytes on
)

// lineWaste is what one layer made useless.
type lineWaste struct {
	by            int
	cause         audit.Cause
	files         int
	size          int64
	deleted, same int64 // bytes that are gone, and that were written again with the same size
	largest       layers.Waste
	from          []int // the layers that store them
}

func checkWaste(p *audit.Pass) {
	for _, w := range wasteByLayer(p) {
		if w.size < someWaste || w.size < muchWaste && w.size < p.Image.FS.Stored()/wasteShare || w.cause.Blame.Kind == audit.BlameBase {
			continue
		}
		f := audit.Finding{
			Message: fmt.Sprintf("%s stay in the image that layer %d writes over", mebibytes(w.size), w.by),
			Path:    w.largest.Path,
			Remedy:  "Write the files where they are written first as they shall be",
		}
		switch {
		case w.deleted > w.size/2:
			f.Message = fmt.Sprintf("%s stay in the image that layer %d deletes", mebibytes(w.size), w.by)
			f.Remedy = "Delete them in the RUN that makes them, or make them in another stage"
		case w.same > w.size/2:
			f.Message = fmt.Sprintf("%s are in the image twice: layer %d writes them again, with another owner or mode", mebibytes(w.size), w.by)
			f.Remedy = "Give owner and mode where the files are put: COPY --chown and --chmod"
		}
		for _, layer := range w.from {
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "layer %d%s stores them, layer %d takes them away", layer, lineOf(p.BlameLayer(layer)), w.by))
		}
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelImage, "%s, the largest %s with %d bytes", counted(w.files, "file"), w.largest.Path, w.largest.Size))
		p.Report(w.cause.Of(f))
	}
}

// wasteByLayer adds up the waste by the layer that made it, in their order.
func wasteByLayer(p *audit.Pass) []*lineWaste {
	all := make([]*lineWaste, len(p.Image.Layers))
	for _, w := range p.Image.FS.Waste() {
		if w.By >= len(all) {
			continue
		}
		l := all[w.By]
		if l == nil {
			l = &lineWaste{by: w.By, cause: p.BlameLayer(w.By), largest: w}
			all[w.By] = l
		}
		l.files++
		l.size += w.Size
		switch {
		case w.Deleted:
			l.deleted += w.Size
		case w.Same:
			l.same += w.Size
		}
		if !slices.Contains(l.from, w.Layer) {
			l.from = append(l.from, w.Layer)
			slices.Sort(l.from)
		}
	}
	return slices.DeleteFunc(all, func(l *lineWaste) bool { return l == nil })
}
