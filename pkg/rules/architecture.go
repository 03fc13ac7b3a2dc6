package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
)

var architectureMismatch = &audit.Rule{
	ID:       "architecture-mismatch",
	Title:    "the program was built for another processor than the image",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Executable | audit.ImageConfig},
	Doc: audit.Doc{
		Checks: "The ELF machine of the program the image starts is compared with the architecture in the image's config, and the level of the processor that it was built for (GOAMD64, GOARM, GOARM64) with its variant.",
		Why:    "The kernel refuses the file. It happens when GOARCH is fixed in the Dockerfile, when ARG TARGETARCH has a default (the default wins on every platform), or when a --platform=$BUILDPLATFORM stage forgets GOARCH=$TARGETARCH.",
		Unless: "The node runs foreign programs through binfmt_misc and QEMU on purpose.",
		Messages: []string{
			"This program can only be run on AMD64 processors with v* microarchitecture support.",
			"exec *: exec format error",
			"standard_init_linux.go:*: exec user process caused*: exec format error",
		},
	},
	Check: checkArchitecture,
}

func checkArchitecture(p *audit.Pass) {
	want := p.Image.Platform
	for _, prog := range p.Programs {
		if !prog.Entry || prog.ELF == nil || want.Architecture == "" {
			continue
		}
		switch {
		case foreign(prog, want.Architecture):
			certainty := audit.Proven
			if prog.ELF.Arch == "arm" && want.Architecture == "arm64" {
				certainty = audit.Likely // some arm64 processors run 32-bit programs too
			}
			cause, fix := archCause(p, prog)
			p.Report(cause.Of(audit.Finding{
				Certainty: certainty,
				Message:   fmt.Sprintf("%s is built for %s, the image says %s", prog.Path, archName(prog), want),
				Evidence: []audit.Evidence{
					audit.Seen(audit.LevelBinary, "the ELF machine of %s is %s, class %d", prog.Path, prog.ELF.Machine, prog.ELF.Class),
					audit.Seen(audit.LevelImage, "the image's config says %s", want),
				},
				Path:   prog.Path,
				Words:  fmt.Sprintf("exec %s: exec format error", prog.Path),
				Remedy: "Declare ARG TARGETOS TARGETARCH (without defaults) in the build stage and build with GOOS=$TARGETOS GOARCH=$TARGETARCH",
				Fix:    fix,
			}))
		default:
			checkLevel(p, prog)
		}
	}
}

// foreign reports whether a program is not for the image's architecture. An amd64 kernel runs 386 programs.
func foreign(prog *audit.Program, arch string) bool {
	return prog.ELF != nil && arch != "" && prog.ELF.Arch != arch && !(arch == "amd64" && prog.ELF.Arch == "386")
}

// archCause blames an ARG TARGETARCH with a default in the stage that built the program, else the build, and says how to
// build for the image's platform there.
func archCause(p *audit.Pass, prog *audit.Program) (audit.Cause, *audit.Fix) {
	c, b := buildLine(p, prog)
	if c.By == nil || c.By.Run == nil {
		return c, nil
	}
	for _, in := range c.By.Stage.Instructions[:c.By.Index] {
		if in.Keyword != "ARG" {
			continue
		}
		for _, w := range in.Words {
			if strings.HasPrefix(w.Value, "TARGETARCH=") {
				arg := p.BlameSpan(in, w.Span)
				arg.Layer = c.Layer
				arg.Chain = append(c.Chain, p.At(c.By, "the program is built here"), p.At(in, "ARG %s: the default wins on every platform", w.Value))
				return arg, withoutDefault(w, "TARGETARCH")
			}
		}
	}
	if b == nil {
		return c, nil
	}
	return c, buildForTarget(p, c.By.Stage, c.By, b)
}

func archName(prog *audit.Program) string {
	if prog.ELF.Arch != "" {
		return prog.ELF.Arch
	}
	return prog.ELF.Machine
}

// levelKeys are the build settings that choose a processor, and what is promised by a platform without a variant.
// Source: `go help environment`; OCI image-index.md, "Platform Variants"; containerd's platforms package, which takes
// amd64 for v1, arm for v7 and arm64 for v8.
var levelKeys = map[string]struct{ key, usual string }{
	"amd64": {"GOAMD64", "v1"}, "arm": {"GOARM", "v7"}, "arm64": {"GOARM64", "v8"},
}

// checkLevel reports a program that wants a better processor than the image's platform promises; which the node has is not
// known. A platform without a variant promises what is usual, and hardly with care: that is possible at most.
func checkLevel(p *audit.Pass, prog *audit.Program) {
	want, setting := p.Image.Platform, levelKeys[prog.ELF.Arch]
	promised, certainty := want.Variant, audit.Likely
	if promised == "" {
		promised, certainty = setting.usual, audit.Possible
	}
	level := prog.Layout.CPU
	if level == "" || prog.ELF.Arch != want.Architecture || !above(level, promised) {
		return
	}
	f := audit.Finding{
		Certainty: certainty,
		Message:   fmt.Sprintf("%s is built for processors of level %s, the image says %s", prog.Path, level, want),
		Evidence: []audit.Evidence{
			audit.Seen(audit.LevelBinary, "the build information or the properties of %s ask for %s", prog.Path, level),
			audit.Seen(audit.LevelImage, "the image's config says %s", want),
		},
		Path:   prog.Path,
		Remedy: fmt.Sprintf("Build with the %s that the image's platform promises, or give the platform its variant", setting.key),
	}
	if prog.ELF.Arch == "amd64" {
		f.Words = fmt.Sprintf("This program can only be run on AMD64 processors with %s microarchitecture support.", level)
	}
	p.Report(p.BlameBuild(prog).Of(f))
}

// above reports whether a level ("v8.1,lse") is more than a variant ("v8") promises. What cannot be compared is not.
func above(level, variant string) bool {
	number := func(text string) (major, minor int, ok bool) {
		text, _, _ = strings.Cut(strings.TrimPrefix(text, "v"), ",")
		first, second, dotted := strings.Cut(text, ".")
		major, err := strconv.Atoi(first)
		if dotted && err == nil {
			minor, err = strconv.Atoi(second)
		}
		return major, minor, err == nil
	}
	a, b, ok1 := number(level)
	c, d, ok2 := number(variant)
	return ok1 && ok2 && (a > c || a == c && b > d)
}
