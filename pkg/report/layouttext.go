package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/binary"
)

// mostPackages is how many packages the text shows; JSON has all.
const mostPackages = 20

// buildText writes what the toolchain recorded about the build.
func buildText(b *strings.Builder, g *binary.GoInfo) {
	if g == nil {
		return
	}
	lines := [][]string{}
	if g.Path != "" {
		lines = append(lines, []string{"package", g.Path})
	}
	if len(g.Deps) > 0 {
		lines = append(lines, []string{"dependencies", fmt.Sprint(len(g.Deps))})
	}
	if g.GOROOT != "" {
		lines = append(lines, []string{"GOROOT", g.GOROOT})
	}
	for _, key := range slices.Sorted(maps.Keys(g.Settings)) {
		lines = append(lines, []string{key, g.Settings[key]})
	}
	section(b, "build", lines)
}

// layoutText writes the hardening, the identity and where the bytes are.
func layoutText(b *strings.Builder, l *binary.Layout, size int64) {
	pie := yesNo(l.PIE)
	if l.StaticPIE {
		pie = "yes, static"
	}
	section(b, "hardening", [][]string{
		{"position independent", pie},
		{"read-only relocations", orNone(l.RELRO)},
		{"stack not executable", yesNo(l.NX)},
	})
	identity := [][]string{{"Go build ID", orNone(l.BuildID)}, {"GNU build ID", orNone(l.GNUBuildID)}}
	if len(l.Paths) > 0 {
		identity = append(identity, []string{"builder's directories", strings.Join(l.Paths, ", ")})
	}
	section(b, "identity", identity)
	lines := [][]string{}
	for _, s := range l.Sections {
		lines = append(lines, []string{orNone(s.Name), fmt.Sprint(s.Size), share(s.Size, size)})
	}
	section(b, fmt.Sprintf("sections, bytes of %d", size), lines)
	packagesText(b, l.Packages)
}

// packagesText writes the packages with the most machine code.
func packagesText(b *strings.Builder, packages []binary.PackageSize) {
	code := int64(0)
	for _, p := range packages {
		code += p.Size
	}
	lines := [][]string{}
	for i, p := range packages {
		if i == mostPackages {
			lines = append(lines, []string{fmt.Sprintf("%d more", len(packages)-i)})
			break
		}
		lines = append(lines, []string{p.Package, fmt.Sprint(p.Size), share(p.Size, code)})
	}
	section(b, fmt.Sprintf("packages, bytes of %d of machine code", code), lines)
}

// section writes a title and lines, nothing without lines.
func section(b *strings.Builder, title string, lines [][]string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintln(b, title)
	columns(b, lines)
}

// share is a part in percent.
func share(part, whole int64) string {
	if whole <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
