package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/layers"
)

var buildLeftovers = &audit.Rule{
	ID:       "build-leftovers",
	Title:    "the image ships what only its build needs",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Image},
	Doc: audit.Doc{
		Checks: "The Go toolchain, the module cache, the cache of go build, .go files, .git directories, and C compilers that can be seen in the image, with their bytes, by the line that put them there.",
		Why:    "They are most of the bytes of such an image, in every pull, and they give an intruder a compiler and the sources, with their history.",
		Unless: "The image is meant for building or developing.",
	},
	Check: checkLeftovers,
}

func checkLeftovers(p *audit.Pass) {
	var order []string
	groups := map[string][]layers.Leftover{}
	causes := map[string]audit.Cause{}
	for _, l := range p.Image.FS.Leftovers() {
		cause := p.BlameIn(l.Layer, l.Path)
		key := madeBy(cause, l.Layer)
		if groups[key] == nil {
			order = append(order, key)
			causes[key] = cause
		}
		groups[key] = append(groups[key], l)
	}
	for _, key := range order {
		reportLeftovers(p, causes[key], groups[key])
	}
}

// madeBy tells apart who made what: the line, or the layer if that is not known.
func madeBy(c audit.Cause, layer int) string {
	if c.Location == nil {
		return fmt.Sprint("layer ", layer)
	}
	return fmt.Sprint("line ", c.Location.Line)
}

func reportLeftovers(p *audit.Pass, cause audit.Cause, list []layers.Leftover) {
	var what []string
	var evidence []audit.Evidence
	size := int64(0)
	for _, l := range list {
		size += l.Size
		if !slices.Contains(what, l.Kind) {
			what = append(what, l.Kind)
		}
		evidence = append(evidence, audit.Seen(audit.LevelImage, "%s: %s in %s, %s, in layer %d", l.Kind, counted(l.Files, "file"), l.Path, amount(l.Size), l.Layer))
	}
	p.Report(cause.Of(audit.Finding{
		Message:  fmt.Sprintf("the image ships %s: %s that nothing reads when it runs", listed(what), amount(size)),
		Evidence: evidence,
		Path:     list[0].Path,
		Remedy:   "Build in a stage of its own and copy only the program into the final one",
	}))
}

// listed joins words: "a, b and c".
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// amount is a number of bytes in a unit that fits it.
func amount(n int64) string {
	switch {
	case n >= 1<<20:
		return mebibytes(n)
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return counted(int(n), "byte")
}
