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
		Checks: "The ELF machine of the program the image starts is compared with the architecture in the image's config, and for 32-bit ARM the GOARM level with its variant.",
		Why:    "The kernel refuses the file. It happens when GOARCH is fixed in the Dockerfile, when ARG TARGETARCH has a default (the default wins on every platform), or when a --platform=$BUILDPLATFORM stage forgets GOARCH=$TARGETARCH.",
		Unless: "The node runs foreign programs through binfmt_misc and QEMU on purpose.",
		Messages: []string{
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
			p.Report(archCause(p, prog).Of(audit.Finding{
				Certainty: certainty,
				Message:   fmt.Sprintf("%s is built for %s, the image says %s", prog.Path, archName(prog), want),
				Evidence: []audit.Evidence{
					audit.Seen(audit.LevelBinary, "the ELF machine of %s is %s, class %d", prog.Path, prog.ELF.Machine, prog.ELF.Class),
					audit.Seen(audit.LevelImage, "the image's config says %s", want),
				},
				Path:   prog.Path,
				Words:  fmt.Sprintf("exec %s: exec format error", prog.Path),
				Remedy: "Declare ARG TARGETOS TARGETARCH (without defaults) in the build stage and build with GOOS=$TARGETOS GOARCH=$TARGETARCH",
			}))
		case armTooNew(prog, want.Variant):
			p.Report(p.BlameBuild(prog).Of(audit.Finding{
				Severity: audit.Warning,
				Message:  fmt.Sprintf("%s is built with GOARM=%s, the image says %s", prog.Path, prog.Go.Settings["GOARM"], want),
				Evidence: []audit.Evidence{
					audit.Seen(audit.LevelBinary, "the build information says GOARM=%s", prog.Go.Settings["GOARM"]),
					audit.Seen(audit.LevelImage, "the image's config says %s", want),
				},
				Path:   prog.Path,
				Remedy: "Build with GOARM=${TARGETVARIANT#v}",
			}))
		}
	}
}

// foreign reports whether a program is not for the image's architecture. An amd64 kernel runs 386 programs.
func foreign(prog *audit.Program, arch string) bool {
	return prog.ELF != nil && arch != "" && prog.ELF.Arch != arch && !(arch == "amd64" && prog.ELF.Arch == "386")
}

// archCause blames an ARG TARGETARCH with a default in the stage that built the program, else the build.
func archCause(p *audit.Pass, prog *audit.Program) audit.Cause {
	c := p.BlameBuild(prog)
	if c.By == nil || c.By.Run == nil {
		return c
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
				return arg
			}
		}
	}
	return c
}

func archName(prog *audit.Program) string {
	if prog.ELF.Arch != "" {
		return prog.ELF.Arch
	}
	return prog.ELF.Machine
}

// armTooNew reports a GOARM level above the image's variant ("v6"). Source: the Go wiki's GoArm, OCI image-index.md.
func armTooNew(prog *audit.Program, variant string) bool {
	if prog.ELF.Arch != "arm" || prog.Go == nil || len(variant) != 2 {
		return false
	}
	level := prog.Go.Settings["GOARM"]
	if level == "" {
		return false
	}
	have, err1 := strconv.Atoi(level[:1])
	allowed, err2 := strconv.Atoi(variant[1:])
	return err1 == nil && err2 == nil && have > allowed
}
