package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var targetArchIgnored = &audit.Rule{
	ID:       "target-arch-ignored",
	Title:    "the program is built for another architecture than the image",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "go build of a program that ends in the final image: in a stage on --platform=$BUILDPLATFORM without a GOARCH, or with GOARCH=$TARGETARCH where no ARG TARGETARCH is in scope; with a GOARCH written out, unless the final stage's platform is written out too; and ARG TARGETARCH=amd64, whose default wins over the platform that is asked for.",
		Why:    "docker build --platform linux/arm64 then makes an image that says arm64 and holds a program for the machine that built it. The build is green and the container ends with \"exec format error\".",
		Unless: "The image is only ever built on, and for, one platform; say so with FROM --platform=linux/amd64 in the final stage.",
		Messages: []string{
			"exec format error",
			"exec *: exec format error",
		},
	},
	Check: checkTargetArch,
}

var (
	archFromTarget = lazyregexp.New(`\bGOARCH=["']?\$(TARGETARCH\b|\{TARGETARCH\})`)
	archWritten    = lazyregexp.New(`(?:^|[\s;&("'])GOARCH=["']?([a-z0-9]+)["']?(?:$|[\s;&)"'])`)
)

func checkTargetArch(p *audit.Pass) {
	checkArchDefault(p)
	final := p.Dockerfile.Final()
	if platform := flagValue(final.Root().From, "platform"); platform != "" && !strings.Contains(platform, "TARGETPLATFORM") {
		return // the image's own platform is written out, or the build's
	}
	written := map[string]bool{}
	eachBuild(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction, _ dockerfile.GoBuild) {
		if arch, _ := writtenArch(stage, in); arch != "" {
			written[arch] = true
		}
	})
	if len(written) > 1 {
		return // programs for several architectures, side by side
	}
	seen := map[*dockerfile.Instruction]bool{}
	eachBuild(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) {
		if !seen[in] && shipsProgram(p, stage, b) {
			seen[in] = checkArchOf(p, stage, in, b)
		}
	})
}

// shipsProgram reports whether a build's program ends in the final image; a tool for the build itself does not.
func shipsProgram(p *audit.Pass, stage *dockerfile.Stage, b dockerfile.GoBuild) bool {
	if b.Output == "" || slices.ContainsFunc(b.Packages, func(s string) bool { return strings.Contains(s, "@") }) {
		return false
	}
	if goos := b.Env["GOOS"]; goos != "" && goos != "linux" || slices.Contains(b.Unknown, "GOOS") && !strings.Contains(p.Dockerfile.Text(b.Span), "TARGETOS") {
		return false
	}
	return pathReach(p, stage, strings.TrimSuffix(b.Output, "/")) == ships
}

func checkArchOf(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) bool {
	native := strings.Contains(flagValue(stage.Root().From, "platform"), "BUILDPLATFORM")
	_, known := b.Env["GOARCH"]
	f := audit.Finding{Certainty: audit.Proven, Words: "exec format error"}
	if !isGolang(stage.Root().Base) {
		f.Certainty = audit.Likely // the base image may set GOARCH
	}
	at := b.Span
	switch written, span := writtenArch(stage, in); {
	case written == "many":
		return false
	case written != "":
		f.Message = fmt.Sprintf("GOARCH is written out as %s: for another --platform the image holds a program that cannot start", written)
		f.Evidence = []audit.Evidence{p.At(in, "go build runs with GOARCH=%s on every platform", written)}
		f.Remedy = "Declare ARG TARGETARCH and build with GOARCH=$TARGETARCH"
		f.Certainty = audit.Proven
		at = span
		if !native {
			f.Severity = audit.Warning
		} else {
			f.Fix = buildForTarget(p, stage, in, &b)
		}
	case native && archFromTarget.MatchString(in.Run.Script) && !declared(stage, in, "TARGETARCH"):
		f.Message = fmt.Sprintf("GOARCH takes TARGETARCH, which no ARG declares in %s: it is empty, and the program is for the machine that builds", stageName(stage))
		f.Evidence = []audit.Evidence{p.At(stage.Root().From, "the stage runs on the platform of the machine that builds")}
		f.Remedy = "Declare ARG TARGETARCH in the stage"
		args := "ARG TARGETARCH"
		if strings.Contains(in.Run.Script, "TARGETOS") && !declared(stage, in, "TARGETOS") {
			args = "ARG TARGETOS TARGETARCH"
		}
		f.Fix = &audit.Fix{Title: "Declare the platform's arguments in the stage", Safety: audit.Safe, Edits: []dockerfile.Edit{lineBefore(p, in, args)}}
	case native && !known && !slices.Contains(b.Unknown, "GOARCH"):
		f.Message = fmt.Sprintf("%s runs on the platform of the machine that builds, and go build has no GOARCH: the program is for that machine", stageName(stage))
		f.Evidence = []audit.Evidence{p.At(stage.Root().From, "--platform=$BUILDPLATFORM: the stage does not follow --platform")}
		f.Remedy = "Declare ARG TARGETOS TARGETARCH and build with GOOS=$TARGETOS GOARCH=$TARGETARCH"
		f.Fix = buildForTarget(p, stage, in, &b)
	default:
		return false
	}
	p.Report(p.BlameSpan(in, at).Of(f))
	return true
}

// archFix writes text into the RUN and declares the arguments that it names before it.
func archFix(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, title string, at dockerfile.Span, text string) *audit.Fix {
	edits := []dockerfile.Edit{{Span: at, New: text}}
	var missing []string
	for _, name := range []string{"TARGETOS", "TARGETARCH"} {
		if strings.Contains(text, name) && !declared(stage, in, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		edits = append(edits, lineBefore(p, in, "ARG "+strings.Join(missing, " ")))
	}
	return &audit.Fix{Title: title, Safety: audit.Safe, Edits: edits}
}

// writtenArch is the architecture that a RUN or an ENV above it writes out for go build, with its place; "" if none is,
// "many" if the RUN builds for several.
func writtenArch(stage *dockerfile.Stage, in *dockerfile.Instruction) (string, dockerfile.Span) {
	if strings.Contains(in.Run.Script, "GOARCH") {
		all := archWritten.FindAllStringSubmatchIndex(in.Run.Script, -1)
		switch {
		case len(all) == 0:
			return "", dockerfile.Span{}
		case len(all) > 1 || strings.Count(in.Run.Script, "GOARCH") > 1:
			return "many", dockerfile.Span{}
		}
		i, j := all[0][2], all[0][3]
		return in.Run.Script[i:j], in.At(dockerfile.Span{Start: dockerfile.Position{Offset: i}, End: dockerfile.Position{Offset: j}})
	}
	for _, v := range stage.Env {
		if v.Key == "GOARCH" && v.Known && v.By != nil && v.By.Stage == stage && slices.ContainsFunc(v.By.Words, func(w dockerfile.Word) bool { return w.Value == "GOARCH="+v.Value }) {
			return v.Value, v.Span
		}
	}
	return "", dockerfile.Span{}
}

// declared reports whether an ARG or ENV above an instruction, in its stage or one below it, defines a name.
func declared(stage *dockerfile.Stage, in *dockerfile.Instruction, name string) bool {
	for _, s := range append(steps(stage.Parent), stage.Instructions[:in.Index]...) {
		if s.Keyword != "ARG" && s.Keyword != "ENV" {
			continue
		}
		for _, w := range s.Words {
			if key, _, _ := strings.Cut(w.Value, "="); key == name {
				return true
			}
		}
	}
	return false
}

// withoutDefault declares an argument of the platform without a default.
func withoutDefault(w dockerfile.Word, key string) *audit.Fix {
	return fixOf("Take the value from the builder", audit.Safe, []dockerfile.Edit{{Span: w.Span, New: key}})
}

// buildForTarget makes a go build command build for the platform that is asked for: in the place of the architecture that
// its RUN writes out, or in front of it. Nil where the command gets it in another way.
func buildForTarget(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b *dockerfile.GoBuild) *audit.Fix {
	const title = "Build for the platform that is asked for"
	written, span := writtenArch(stage, in)
	start := dockerfile.Span{Start: b.Span.Start, End: b.Span.Start}
	_, known := b.Env["GOARCH"]
	switch {
	case written == "many" || in.JSON || len(in.Run.Builds) != 1:
		return nil
	case written != "" && span.Start.Offset > in.Span.Start.Offset:
		return archFix(p, stage, in, title, span, "$TARGETARCH")
	case written != "" || known || slices.Contains(b.Unknown, "GOARCH") || !strings.Contains(flagValue(stage.Root().From, "platform"), "BUILDPLATFORM"):
		return nil
	}
	if _, set := b.Env["GOOS"]; set || slices.Contains(b.Unknown, "GOOS") {
		return archFix(p, stage, in, title, start, "GOARCH=$TARGETARCH ")
	}
	return archFix(p, stage, in, title, start, "GOOS=$TARGETOS GOARCH=$TARGETARCH ")
}

// checkArchDefault finds ARG TARGETARCH=amd64: only --build-arg is stronger than a default.
func checkArchDefault(p *audit.Pass) {
	check := func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		if in.Keyword != "ARG" {
			return
		}
		for _, w := range in.Words {
			key, value, set := strings.Cut(w.Value, "=")
			if !set || value == "" || key != "TARGETARCH" && key != "TARGETPLATFORM" || strings.Contains(value, "$") || !strings.Contains(string(p.Dockerfile.Source), "$"+key) && !strings.Contains(string(p.Dockerfile.Source), "${"+key) {
				continue
			}
			p.Report(p.BlameSpan(in, w.Span).Of(audit.Finding{
				Message:  fmt.Sprintf("ARG %s is %s on every platform: its default wins over --platform", key, value),
				Evidence: []audit.Evidence{p.At(in, "only --build-arg %s=... is stronger than a default", key)},
				Words:    "exec format error",
				Remedy:   fmt.Sprintf("Declare ARG %s without a default: the builder gives it a value", key),
				Fix:      withoutDefault(w, key),
			}))
		}
	}
	for _, in := range p.Dockerfile.MetaArgs {
		check(nil, in)
	}
	eachNeeded(p, check)
}
