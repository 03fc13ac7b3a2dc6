package rules

import (
	"fmt"
	"go/version"
	"strconv"
	"strings"
	"time"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var toolchainUnsupported = &audit.Rule{
	ID:       "toolchain-unsupported",
	Title:    "the program is built by a Go release that gets no security fixes",
	Severity: audit.Warning,
	Sees:     audit.Sees{Any: audit.Dockerfile | audit.GoBinary},
	Doc: audit.Doc{
		Checks: "The Go release in the build information of the program that is started; without a program, the tag of the golang image that builds. A release is supported until the second one after it comes out, by a table of release dates in the rule (the last: Go 1.27) and the date of the audit.",
		Why:    "The standard library is part of the program: its TLS, HTTP and parsers stay as vulnerable as they were.",
		Unless: "A distribution maintains that release.",
	},
	Check: checkSupport,
}

// releases are the dates of Go 1.16 and later. Source: go.dev/doc/devel/release; 1.27 by the module golang.org/toolchain.
// As of 2026-11-22. A release that is missing here is not taken for unsupported.
var releases = []string{
	"2021-02-16", "2021-08-16", "2022-03-15", "2022-08-02", "2023-02-01", "2023-08-08", // 1.16 to 1.21
	"2024-02-06", "2024-08-13", "2025-02-11", "2025-08-12", "2026-02-10", "2026-08-18", // 1.22 to 1.27
}

// firstRelease is the minor number of the first date.
const firstRelease = 16

// endOfSupport returns the day when a release lost support, and the release that ended it; ok is false while it is
// supported, or if that is not known at that date.
func endOfSupport(release string, now time.Time) (day, by string, ok bool) {
	if now.IsZero() || !version.IsValid(release) {
		return "", "", false
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(version.Lang(release), "go1."))
	if err != nil {
		return "", "", false
	}
	next := max(minor+2, firstRelease)
	if next-firstRelease >= len(releases) {
		return "", "", false
	}
	day = releases[next-firstRelease]
	return day, fmt.Sprintf("Go 1.%d", next), now.UTC().Format(time.DateOnly) >= day
}

// supported is the oldest release that is supported at a date, which changes the least.
func supported(now time.Time) string {
	minor := firstRelease
	for ; minor-firstRelease < len(releases); minor++ {
		release := fmt.Sprintf("go1.%d", minor)
		if _, _, ended := endOfSupport(release, now); !ended {
			return release
		}
	}
	return fmt.Sprintf("go1.%d", minor-1)
}

func checkSupport(p *audit.Pass) {
	if prog := entryGo(p); prog != nil {
		if day, by, ok := endOfSupport(prog.Go.Release(), p.Now); ok {
			cause, b := buildLine(p, prog)
			f := unsupported(prog.Path+" is built by "+prog.Go.Release(), day, by,
				audit.Seen(audit.LevelBinary, "the build information has %s", prog.Go.Version))
			if fits, _ := p.DockerfileFits(); fits && b != nil {
				if made := builderOf(cause.By.Stage, *b); made != nil && made.local {
					if _, _, old := endOfSupport(made.release, p.Now); old {
						f.Fix = releaseFix(p, cause.By.Stage, made, supported(p.Now), audit.Unsafe)
					}
				}
			}
			p.Report(cause.Of(f))
		}
		return
	}
	told := map[*dockerfile.Instruction]bool{}
	eachBuild(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) {
		made := builderOf(stage, b)
		if made == nil || told[made.from] {
			return
		}
		if day, by, ok := endOfSupport(made.release, p.Now); ok && made.local {
			told[made.from] = true
			f := unsupported("the program is built by "+made.text, day, by, p.At(in, "this line builds it"))
			f.Fix = releaseFix(p, stage, made, supported(p.Now), audit.Unsafe)
			p.Report(p.BlameLine(made.from).Of(f))
		}
	})
}

func unsupported(what, day, by string, seen audit.Evidence) audit.Finding {
	return audit.Finding{
		Message:  fmt.Sprintf("%s, which has had no security fixes since %s", what, day),
		Evidence: []audit.Evidence{seen, audit.Seen(audit.LevelText, "%s came out on %s, and the two newest releases are supported", by, day)},
		Remedy:   "Build with a supported release of Go",
	}
}
