package rules

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

var libcMismatch = &audit.Rule{
	ID:       "libc-mismatch",
	Title:    "the image's libc is not the one the program was linked for",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Executable | audit.Image},
	Doc: audit.Doc{
		Checks: "The symbol versions that the program and its libraries want (GLIBC_2.34) are compared with those that the image's libraries define, and every undefined symbol is looked up in them. When a glibc program meets musl through a compatibility link, the missing symbols decide.",
		Why:    "The build stage's distribution moved on and the final one did not, or glibc and musl are mixed. The loader ends the program before main.",
		Unless: "Never, when the base image is the one that will run.",
		Messages: []string{
			"*: version `GLIBC_*' not found (required by *)",
			"Error relocating *: *: symbol not found",
			"*: symbol lookup error: *: undefined symbol: *",
		},
	},
	Check: checkLibc,
}

func checkLibc(p *audit.Pass) {
	p.Needing(binary.TopicLibraries, func(prog *audit.Program, n binary.Need) {
		l := prog.Linking
		if l == nil || l.InterpreterPath == "" || len(l.Unread) > 0 {
			return
		}
		if missing, _ := missingLibraries(l); len(missing) > 0 {
			return // library-missing says it; the loader gets no further
		}
		f := audit.Finding{Certainty: n.Certainty, Path: prog.Path, Words: l.Failure}
		switch {
		case len(l.MissingVersions) > 0 && l.Has == binary.Glibc:
			versionMismatch(&f, prog, l)
			p.Report(p.BlamePath(l.MissingVersions[0].Path).Of(builtWithoutCgo(p, prog, f)))
		case len(l.MissingSymbols) > 0:
			symbolMismatch(&f, prog, l)
			if l.Failure == "" && f.Certainty == audit.Proven {
				f.Certainty = audit.Likely // bound at the first call: it starts, and fails when it gets there
			}
			f = builtWithoutCgo(p, prog, f)
			if l.Failure == "" && f.Fix != nil {
				f.Fix.Safety = audit.Unsafe // it runs so far, with libc's resolver
			}
			p.Report(p.BlameBase().Of(f))
		}
	})
}

func versionMismatch(f *audit.Finding, prog *audit.Program, l *binary.Linking) {
	v := l.MissingVersions[0]
	f.Message = fmt.Sprintf("%s needs %s of %s, but the image's newest is %s", v.By, v.Version, v.Library, newest(v))
	for _, m := range l.MissingVersions {
		f.Evidence = append(f.Evidence,
			audit.Seen(audit.LevelBinary, "%s wants version %s of %s", m.By, m.Version, m.Library),
			audit.Seen(audit.LevelImage, "%s defines versions up to %s", m.Path, newest(m)))
	}
	f.Remedy = "Use a final base image at least as new as the build stage's distribution, or build on the older one" + staticHint(prog)
	if !strings.HasPrefix(v.Version, "GLIBC_") {
		f.Remedy = fmt.Sprintf("Put a %s into the image that is at least as new as the one %s was linked with", v.Library, v.By)
	}
}

func newest(v binary.MissingVersion) string {
	if v.Newest == "" {
		return "none"
	}
	return v.Newest
}

func symbolMismatch(f *audit.Finding, prog *audit.Program, l *binary.Linking) {
	var names []string
	for _, s := range l.MissingSymbols {
		names = append(names, s.Name)
	}
	const most = 5
	text := strings.Join(names, ", ")
	if len(names) > most {
		text = fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	f.Message = fmt.Sprintf("%s was linked for %s, and the image's %s lacks the symbols %s", prog.Path, l.Wants, l.Has, text)
	f.Evidence = []audit.Evidence{
		audit.Seen(audit.LevelBinary, "undefined symbols of %s and its libraries: %s", prog.Path, text),
		audit.Seen(audit.LevelImage, "%s is the loader of %s", l.InterpreterPath, l.Has),
		audit.Seen(audit.LevelImage, "searched %s: not defined", foundLibraries(l)),
	}
	f.Remedy = fmt.Sprintf("Use a base image with %s, or build in a stage with the final image's libc", l.Wants) + staticHint(prog)
}

func staticHint(prog *audit.Program) string {
	if prog.Go != nil && onlyLibc(prog.ELF.Needed) {
		return "; CGO_ENABLED=0 needs no libc at all"
	}
	return ""
}
