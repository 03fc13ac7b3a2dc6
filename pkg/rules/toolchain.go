package rules

import (
	"fmt"
	"go/version"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var toolchainMismatch = &audit.Rule{
	ID:       "toolchain-mismatch",
	Title:    "the builder's Go, go.mod and the program do not fit together",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile, Any: audit.GoModule | audit.GoBinary},
	Doc: audit.Doc{
		Checks: "The Go release of a build stage (the tag of its golang image, or GOLANG_VERSION) against the go line of go.mod, and against the release in the program's build information. A go line newer than the builder is an error where GOTOOLCHAIN=local, as in the official images: go refuses to build. With GOTOOLCHAIN=auto it downloads another toolchain in every build, a warning. A program that another release built than the line says is a warning too: the image is not from this Dockerfile as it is. The toolchain line is a wish that GOTOOLCHAIN=local ignores, so it is not compared.",
		Why:    "The build stops, today or as soon as the cache is cold, or it runs with a toolchain that nobody chose.",
		Unless: "The tag names an image of your own that holds another Go than its tag says.",
		Messages: []string{
			"go: go.mod requires go >= * (running go *; GOTOOLCHAIN=local)",
			"*requires go >= * (running go *)",
			"*invalid go version '*': must match format 1.23",
			"*: cannot compile Go * code",
		},
	},
	Check: checkToolchain,
}

func checkToolchain(p *audit.Pass) {
	told := map[*dockerfile.Instruction]bool{} // builders that were found at fault
	eachBuild(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) {
		made := builderOf(stage, b)
		if made == nil || told[made.from] || p.Module == nil || p.Module.Go == "" || !buildsModule(p, stage, in, b) {
			return
		}
		if f, ok := outdated(p, made); ok {
			told[made.from] = true
			f.Evidence = append(f.Evidence, p.At(in, "this line builds it"))
			if made.local {
				f.Fix = releaseFix(p, stage, made, version.Lang("go"+p.Module.Go), audit.Safe)
			}
			if f.Fix != nil && f.Certainty != "" { // it may build, or a copy of the image may not have that release
				f.Fix.Safety = audit.Unsafe
			}
			p.Report(p.BlameLine(made.from).Of(f))
		}
	})
	if prog := entryGo(p); prog != nil && !prog.Predicted && len(told) == 0 {
		checkBuiltBy(p, prog)
	}
}

// outdated compares the builder with the go line of go.mod.
func outdated(p *audit.Pass, b *builder) (audit.Finding, bool) {
	wanted := "go" + p.Module.Go
	have := b.release
	if !version.IsValid(wanted) || version.Compare(have, wanted) >= 0 || !b.exact() && have == version.Lang(wanted) {
		return audit.Finding{}, false
	}
	f := audit.Finding{
		Message:  fmt.Sprintf("%s cannot build this module: go.mod wants Go %s", b.text, p.Module.Go),
		Evidence: []audit.Evidence{audit.Seen(audit.LevelText, "go.mod:%d: go %s", p.Module.GoLine, p.Module.Go)},
		Remedy:   fmt.Sprintf("Build with Go %s or later", p.Module.Go),
	}
	switch {
	case version.Compare(have, "go1.21") < 0 && wanted == version.Lang(wanted):
		f.Certainty = audit.Likely // 1.20 refuses, those before try
		f.Message = fmt.Sprintf("%s is older than go.mod wants, which is Go %s: it refuses, or builds only what needs nothing newer", b.text, p.Module.Go)
	case version.Compare(have, "go1.21") < 0:
		f.Words = fmt.Sprintf("invalid go version '%s': must match format 1.23", p.Module.Go)
	case !b.local:
		f.Severity = audit.Warning
		f.Message = fmt.Sprintf("%s is older than go.mod wants, which is Go %s: every build downloads another toolchain", b.text, p.Module.Go)
	case b.exact():
		f.Words = fmt.Sprintf("go: go.mod requires go >= %s (running %s; GOTOOLCHAIN=local)", p.Module.Go, "go "+have[2:])
	}
	if !b.official && f.Certainty == "" && f.Severity == "" {
		f.Certainty = audit.Likely // a copy of the image may have other settings
	}
	return f, true
}

// checkBuiltBy compares the release that built the program with the builder of its build line, and with go.mod.
func checkBuiltBy(p *audit.Pass, prog *audit.Program) {
	release := prog.Go.Release()
	if release == "" {
		return
	}
	cause, build := buildLine(p, prog)
	f := audit.Finding{
		Severity: audit.Warning,
		Evidence: []audit.Evidence{audit.Seen(audit.LevelBinary, "the build information of %s has %s", prog.Path, prog.Go.Version)},
		Remedy:   "Build the image again, with --pull",
	}
	if build != nil {
		b := builderOf(cause.By.Stage, *build)
		if b != nil && b.local && release != b.release && (b.exact() || version.Lang(release) != b.release) {
			f.Message = fmt.Sprintf("%s was built by %s, but its build line has %s", prog.Path, release, b.text)
			f.Evidence = append(f.Evidence, p.At(cause.By, "this line builds it"))
			p.Report(p.BlameLine(b.from).Of(f))
			return
		}
	}
	if m := p.Module; m != nil && m.Go != "" && m.Path == prog.Go.Main.Path && version.Compare(release, "go"+m.Go) < 0 {
		f.Message = fmt.Sprintf("%s was built by %s, but go.mod wants Go %s: the image is older than the source", prog.Path, release, m.Go)
		p.Report(cause.Of(f))
	}
}
