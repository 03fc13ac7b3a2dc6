package rules

import (
	"fmt"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/binary"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var buildNotReproducible = &audit.Rule{
	ID:       "build-not-reproducible",
	Title:    "the same source built again gives another program",
	Severity: audit.Note,
	Sees:     audit.Sees{Any: audit.Dockerfile | audit.GoBinary},
	Doc: audit.Doc{
		Checks: "Directories of the builder in the program's table of source files, which -trimpath keeps out; and the date of the build given to the linker: $(date) in the -ldflags of a go build line, or a date in the recorded -ldflags that is not the commit's. go mod tidy and go get in the build, which change what go.mod says. go build itself stamps no date. A base image without a digest is base-unpinned's, uncommitted changes are build-modified's.",
		Why:    "Nobody can check that the program comes from its source by building it again, layers differ although nothing changed, and the directories tell about the machine that built it.",
		Unless: "You debug by paths that must exist where the debugger runs.",
	},
	Check: checkReproducible,
}

func checkReproducible(p *audit.Pass) {
	checkTidied(p)
	eachBuild(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) {
		flag, ok := b.Flag("ldflags")
		if !ok || !buildDate.MatchString(p.Dockerfile.Text(flag.Span)) || strings.Contains(p.Dockerfile.Text(flag.Span), "SOURCE_DATE_EPOCH") {
			return
		}
		p.Report(p.BlameSpan(in, flag.Span).Of(audit.Finding{
			Message:  "the date of the build is linked into the program: every build gives another one",
			Evidence: []audit.Evidence{p.At(in, "-ldflags run date")},
			Remedy:   commitDate,
		}))
	})
	prog := entryGo(p)
	if prog == nil {
		return
	}
	cause, build := buildLine(p, prog)
	if dirs := prog.Layout.Paths; len(dirs) > 0 {
		f := audit.Finding{
			Message:  fmt.Sprintf("%s holds directories of its builder: it was built without -trimpath", prog.Path),
			Evidence: []audit.Evidence{audit.Seen(audit.LevelBinary, "the table of source files has %s", strings.Join(dirs, ", "))},
			Remedy:   "Build with -trimpath",
		}
		if _, zones := prog.Need(binary.TopicZoneinfo); build != nil && trims(build) {
			f.Remedy = "Build the image again: the line has -trimpath now"
		} else if !zones { // they may be found in GOROOT, which -trimpath takes away
			if g := goLineOf(p, prog); g != nil {
				f.Fix = fixOf("Build with -trimpath", audit.Safe, g.add("-trimpath"))
			}
		}
		p.Report(cause.Of(f))
	}
	commit, recorded := prog.Go.Settings["vcs.time"], linkedDate.FindString(prog.Go.Settings["-ldflags"])
	if commit != "" && recorded != "" && !strings.HasPrefix(commit, recorded) && build == nil {
		p.Report(cause.Of(audit.Finding{
			Certainty: audit.Likely,
			Message:   fmt.Sprintf("a date is linked into %s that is not the commit's: every build gives another program", prog.Path),
			Evidence: []audit.Evidence{
				audit.Seen(audit.LevelBinary, "the build information has %s in -ldflags, and vcs.time=%s", recorded, commit)},
			Remedy: commitDate,
		}))
	}
}

// trims says whether a build command has -trimpath.
func trims(b *dockerfile.GoBuild) bool {
	_, flag := b.Flag("trimpath")
	return flag || strings.Contains(b.Env["GOFLAGS"], "-trimpath")
}

const commitDate = "Take the date of the commit (git log -1 --format=%cI), or leave it to runtime/debug.ReadBuildInfo, which has vcs.time"

// buildDate finds the date command in a command substitution.
var buildDate = lazyregexp.New("(\\$\\(|`)\\s*date\\b")

// linkedDate finds a date.
var linkedDate = lazyregexp.New(`\b20[0-9]{2}-[01][0-9]-[0-3][0-9]`)

var buildModified = &audit.Rule{
	ID:       "build-modified",
	Title:    "the program was built from a working tree with uncommitted changes",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.GoBinary},
	Doc: audit.Doc{
		Checks: "vcs.modified=true in the build information of the program that is started.",
		Why:    "The revision in the program (vcs.revision) is not what it was built from, so nobody can look up its source.",
		Unless: "The image is for trying something out.",
	},
	Check: checkModified,
}

func checkModified(p *audit.Pass) {
	prog := entryGo(p)
	if prog == nil || prog.Go.Settings["vcs.modified"] != "true" {
		return
	}
	cause, _ := buildLine(p, prog)
	p.Report(cause.Of(audit.Finding{
		Message:  fmt.Sprintf("%s was built from uncommitted changes on top of revision %.12s", prog.Path, prog.Go.Settings["vcs.revision"]),
		Evidence: []audit.Evidence{audit.Seen(audit.LevelBinary, "the build information has vcs.modified=true")},
		Remedy:   "Build from a clean checkout; files of the repository that .dockerignore leaves out count as changes",
	}))
}
