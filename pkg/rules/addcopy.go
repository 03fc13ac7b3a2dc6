package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var addInsteadOfCopy = &audit.Rule{
	ID:       "add-instead-of-copy",
	Title:    "ADD copies local files",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "ADD of files and directories of the build context that are no archives: by their content when the context is known, by their names otherwise. URLs, git repositories and archives are what ADD is for.",
		Why:    "ADD unpacks whatever turns out to be an archive, and fetches whatever turns out to be a URL: a file that changes its kind changes the image. COPY does neither.",
		Unless: "The file is an archive in some builds, and is to be unpacked then.",
	},
	Check: checkAdd,
}

// archiveEndings are the endings of names of archives that ADD may unpack.
var archiveEndings = []string{".tar", ".tgz", ".gz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz", ".zst", ".tzst", ".lzma"}

// archiveHeads are the first bytes of what ADD unpacks. Source: DetectCompression in moby's pkg/archive; a plain tar has
// its magic at byte 257.
var archiveHeads = []string{"\x1f\x8b\x08", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd"}

func checkAdd(p *audit.Pass) {
	eachNeeded(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		if in.Keyword != "ADD" || in.Copy == nil || !in.Copy.Known || len(in.Copy.Sources) == 0 || slices.ContainsFunc(in.Copy.Sources, isRemote) ||
			slices.ContainsFunc(in.Flags, func(f dockerfile.Flag) bool {
				return f.Name == "keep-git-dir" || f.Name == "checksum" || f.Name == "unpack"
			}) {
			return
		}
		archives, sure := unpacks(p, in)
		if archives {
			return
		}
		f := audit.Finding{
			Message:  fmt.Sprintf("ADD %s copies local files, and would unpack or fetch what becomes an archive or a URL one day", strings.Join(in.Copy.Sources, " ")),
			Evidence: []audit.Evidence{p.At(in, "no source is a URL or an archive")},
			Remedy:   "Write COPY",
		}
		if sure {
			at := part(in.Span, 0, len(in.Keyword))
			copyWord := "COPY"
			if p.Dockerfile.Text(at) == "add" {
				copyWord = "copy"
			}
			f.Fix = &audit.Fix{Title: "Copy instead", Safety: audit.Safe, Edits: []dockerfile.Edit{{Span: at, New: copyWord}}}
		}
		p.Report(p.BlameSpan(in, in.Span).Of(f))
	})
}

// isRemote reports whether a source of ADD is fetched: a URL, or a git repository.
func isRemote(src string) bool {
	return strings.Contains(src, "://") || strings.HasPrefix(src, "git@") || strings.HasPrefix(src, "github.com/")
}

// unpacks says whether ADD may unpack one of its sources, and whether it surely unpacks none.
func unpacks(p *audit.Pass, in *dockerfile.Instruction) (may, surelyNot bool) {
	if p.Context == nil {
		for _, src := range in.Copy.Sources {
			if slices.Contains(archiveEndings, strings.ToLower(path.Ext(src))) {
				return true, false
			}
		}
		return false, !slices.ContainsFunc(in.Copy.Sources, func(src string) bool {
			return path.Clean("/"+src) != "/" && !strings.HasSuffix(src, "/") && !slices.Contains(sourceEndings, path.Ext(src))
		})
	}
	files, err := p.Context.Taken(in, 0)
	if err != nil {
		return false, false
	}
	for _, name := range files {
		named := slices.ContainsFunc(in.Copy.Sources, func(src string) bool { // what lies in a directory is not unpacked
			ok, err := path.Match(strings.TrimPrefix(path.Clean("/"+src), "/"), name)
			return ok && err == nil
		})
		if named && isArchive(head(p.Context.FS, name)) {
			return true, false
		}
	}
	return false, true
}

// isArchive reports whether a file that begins so may be unpacked by ADD.
func isArchive(text string) bool {
	return slices.ContainsFunc(archiveHeads, func(h string) bool { return strings.HasPrefix(text, h) }) ||
		len(text) > 262 && text[257:262] == "ustar"
}
