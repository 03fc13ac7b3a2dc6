package rules

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
)

var libraryMissing = &audit.Rule{
	ID:       "library-missing",
	Title:    "a shared library that the program needs is not in the image",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Executable | audit.Image},
	Doc: audit.Doc{
		Checks: "The closure of DT_NEEDED is resolved in the image as the program's own loader would: glibc by RPATH, LD_LIBRARY_PATH of the config, RUNPATH, ld.so.cache and its default directories; musl by its path file and default directories.",
		Why:    "The loader ends the program before main, with exit code 127.",
		Unless: "The library is mounted into the container at run time.",
		Messages: []string{
			"*: error while loading shared libraries: *: cannot open shared object file: No such file or directory",
			"Error loading shared library *: No such file or directory (needed by *)",
		},
	},
	Check: checkLibraries,
}

func checkLibraries(p *audit.Pass) {
	p.Needing(binary.TopicLibraries, func(prog *audit.Program, n binary.Need) {
		l := prog.Linking
		if l == nil || l.InterpreterPath == "" || len(l.Unread) > 0 {
			return // nothing searches for libraries then, or the answer is not known
		}
		missing, searched := missingLibraries(l)
		p.Judge(prog, n, len(missing) == 0, foundLibraries(l), searched)
		for _, lib := range missing {
			f := audit.Finding{
				Certainty: n.Certainty,
				Message:   fmt.Sprintf("%s needs the shared library %s, which is not in the image", prog.Path, lib.Name),
				Evidence: []audit.Evidence{
					audit.Seen(audit.LevelBinary, "%s is NEEDED by %s", lib.Name, lib.By),
					audit.Seen(audit.LevelImage, "searched %s", searchedText(lib.Searched)),
				},
				Path:   prog.Path,
				Words:  l.Failure,
				Remedy: fmt.Sprintf("Copy %s with its own libraries from the build stage, use a base image that has it, or build without cgo", lib.Name),
			}
			p.Report(p.BlameAbsence(lib.Searched...).Of(builtWithoutCgo(p, prog, f)))
		}
	})
}

func missingLibraries(l *binary.Linking) (missing []binary.Library, searched []string) {
	for _, lib := range l.Libraries {
		if lib.Path == "" {
			missing = append(missing, lib)
			searched = append(searched, lib.Searched...)
		}
	}
	return missing, searched
}

func foundLibraries(l *binary.Linking) string {
	var paths []string
	for _, lib := range l.Libraries {
		if lib.Path != "" {
			paths = append(paths, lib.Path)
		}
	}
	return strings.Join(paths, ", ")
}

// searchedText lists places, shortened after three: the rest is in the JSON report.
func searchedText(places []string) string {
	const most = 3
	if len(places) == 0 {
		return "nowhere"
	}
	if len(places) > most {
		return fmt.Sprintf("%s and %s: not found", strings.Join(places[:most], ", "), counted(len(places)-most, "more place"))
	}
	return strings.Join(places, ", ") + ": not found"
}

// counted is "1 file", "2 files".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
