package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

var debugInfoShipped = &audit.Rule{
	ID:       "debug-info-shipped",
	Title:    "the program in the image carries debug information",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.GoBinary | audit.Image},
	Doc: audit.Doc{
		Checks: "DWARF sections (.debug_*) and the linker's symbol table (.symtab, .strtab) in the program that is started, with the bytes they take in the file.",
		Why:    "Nothing at run time reads them: stack traces, panics and pprof, with function names and lines, work without. They are a quarter to a third of a Go program, in every pull.",
		Unless: "You attach delve to the running container, or want pprof's disassembly.",
	},
	Check: checkDebugInfo,
}

func checkDebugInfo(p *audit.Pass) {
	prog := entryGo(p)
	if prog == nil || prog.Layout.Debug+prog.Layout.Symbols == 0 {
		return
	}
	l := prog.Layout
	var what []string
	if l.Debug > 0 {
		what = append(what, mebibytes(l.Debug)+" of debug information")
	}
	if l.Symbols > 0 {
		what = append(what, mebibytes(l.Symbols)+" of symbol table")
	}
	cause, build := buildLine(p, prog)
	f := audit.Finding{
		Message:  fmt.Sprintf("%s carries %s that nothing at run time reads: %d %% of the file", prog.Path, strings.Join(what, " and "), percent(l.Debug+l.Symbols, prog.Size)),
		Evidence: []audit.Evidence{audit.Seen(audit.LevelBinary, "its sections have %d bytes of DWARF and %d of symbols", l.Debug, l.Symbols)},
		Remedy:   `Build with -ldflags="-s -w"`,
	}
	if build != nil {
		ldflags, _ := build.Flag("ldflags")
		if slices.Contains(strings.Fields(ldflags.Value), "-s") {
			f.Remedy = "Build the image again: the line has -s now"
		} else if g := goLineOf(p, prog); g != nil {
			f.Fix = fixOf(f.Remedy, audit.Safe, g.strip())
		}
	}
	p.Report(cause.Of(f))
}

// mebibytes writes a number of bytes for people.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func percent(part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	return (100*part + whole/2) / whole
}
