package rules

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var stageShadowsImage = &audit.Rule{
	ID:       "stage-shadows-image",
	Title:    "a stage is named like an image, and the name then means the stage",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "FROM with the name of a well-known image (alpine, debian, golang and their kin, without a tag) that a stage of the Dockerfile bears, when that stage starts from another image.",
		Why:    "The stage wins over the image, without a word: after FROM golang AS alpine, FROM alpine is the whole Go toolchain.",
		Unless: "The stage is meant; another name would say so.",
	},
	Check: checkShadows,
}

var stageIndex = &audit.Rule{
	ID:       "stage-index",
	Title:    "a stage is named by its number",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "COPY --from with a number.",
		Why:    "A stage put before that one changes what the number means, and the build goes on with files of another stage.",
		Unless: "There are two stages and there will never be a third.",
	},
	Check: checkIndex,
}

var stageUnused = &audit.Rule{
	ID:       "stage-unused",
	Title:    "a stage without a name is not needed for the target",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "Stages without a name from which nothing of the target is copied or built. A stage with a name may be the target of another build, such as one that runs the tests.",
		Why:    "BuildKit skips such a stage: its tests are not run, and what it was to bring is not in the image. The classic builder runs it for nothing.",
		Unless: "It is built with --target and its number.",
	},
	Check: checkUnused,
}

// imageNames are images so well known that their bare name means them to every reader.
var imageNames = []string{"alpine", "almalinux", "amazonlinux", "archlinux", "bash", "busybox", "buildpack-deps", "caddy", "centos", "debian", "docker", "fedora", "gcc", "golang", "haproxy", "httpd", "mariadb", "mysql", "nginx", "node", "php", "postgres", "python", "redis", "rockylinux", "ruby", "rust", "traefik", "ubuntu"}

func checkShadows(p *audit.Pass) {
	for _, stage := range p.Dockerfile.Stages {
		means := stage.Parent
		if means == nil || !p.Dockerfile.Reachable(stage) || !slices.Contains(imageNames, means.Name) {
			continue
		}
		if root := means.Root().Base; root == "" || repository(root) == means.Name {
			continue
		}
		p.Report(p.BlameSpan(stage.From, stage.From.Span).Of(audit.Finding{
			Message:  fmt.Sprintf("FROM %s is the stage of line %d and not the image: it starts from %s", means.Name, means.From.Span.Start.Line, shortBase(means.Root())),
			Evidence: []audit.Evidence{p.At(means.From, "the stage is named %s here", means.Name)},
			Remedy:   "Give the stage a name that no image has, such as build",
		}))
	}
}

// repository is the last element of an image name without tag and digest.
func repository(name string) string {
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(path.Base(name), ":")
	return name
}

func checkIndex(p *audit.Pass) {
	uses := map[*dockerfile.Stage][]dockerfile.Span{} // the flags that name a stage by its number
	eachIndex(p, func(in *dockerfile.Instruction, flag dockerfile.Flag) {
		uses[in.Copy.From] = append(uses[in.Copy.From], flag.Span)
	})
	eachIndex(p, func(in *dockerfile.Instruction, flag dockerfile.Flag) {
		from := in.Copy.From
		f := audit.Finding{
			Message:  fmt.Sprintf("COPY --from=%s names a stage by its number: it is the one of line %d as long as none is put before it", flag.Value, from.From.Span.Start.Line),
			Evidence: []audit.Evidence{p.At(from.From, "stage %s begins here", flag.Value)},
			Remedy:   "Name the stage, FROM ... AS build, and copy from that name",
		}
		if flag.Span == uses[from][0] {
			f.Fix = indexFix(p, from, uses[from])
		}
		p.Report(p.BlameSpan(in, flag.Span).Of(f))
	})
}

// eachIndex calls f for every COPY that names its stage by a number.
func eachIndex(p *audit.Pass, f func(*dockerfile.Instruction, dockerfile.Flag)) {
	eachNeeded(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		if in.Copy == nil || in.Copy.From == nil {
			return
		}
		for _, flag := range in.Flags {
			if _, err := strconv.Atoi(flag.Value); err == nil && flag.Name == "from" {
				f(in, flag)
			}
		}
	})
}

// indexFix writes the stage's name for its number, everywhere at once: the first finding of a stage carries it. A stage
// without a name gets one.
func indexFix(p *audit.Pass, from *dockerfile.Stage, flags []dockerfile.Span) *audit.Fix {
	name := from.Name
	var edits []dockerfile.Edit
	if name == "" {
		name = "build"
		if from.Index > 0 {
			name = fmt.Sprintf("stage-%d", from.Index)
		}
		if nameTaken(p, name) || strings.Contains(p.Dockerfile.Text(from.From.Span), "\n") {
			return nil
		}
		end := from.From.Span.End
		edits = append(edits, dockerfile.Edit{Span: dockerfile.Span{Start: end, End: end}, New: " AS " + name})
	}
	for _, flag := range flags {
		edits = append(edits, dockerfile.Edit{Span: flag, New: "--from=" + name})
	}
	return &audit.Fix{Title: "Name the stage", Safety: audit.Safe, Edits: edits}
}

// nameTaken reports whether a name already means a stage or an image somewhere in the file.
func nameTaken(p *audit.Pass, name string) bool {
	for _, s := range p.Dockerfile.Stages {
		if strings.EqualFold(s.Name, name) || s.Base == "" || strings.EqualFold(s.Base, name) {
			return true
		}
		for _, in := range s.Instructions {
			if in.Copy != nil && strings.EqualFold(in.Copy.FromImage, name) {
				return true
			}
			if in.Run != nil && slices.ContainsFunc(in.Run.Mounts, func(m dockerfile.Mount) bool { return strings.EqualFold(m.From, name) }) {
				return true
			}
		}
	}
	return false
}

func checkUnused(p *audit.Pass) {
	for _, stage := range p.Dockerfile.Stages {
		if stage.Name != "" || p.Dockerfile.Reachable(stage) || stage.Index > p.Dockerfile.Final().Index {
			continue
		}
		p.Report(p.BlameSpan(stage.From, stage.From.Span).Of(audit.Finding{
			Message:  fmt.Sprintf("stage %d (%s) is not needed for the target: BuildKit skips it", stage.Index, shortBase(stage)),
			Evidence: []audit.Evidence{p.At(stage.From, "no FROM, COPY --from or mount on the way to the target names it, and it has no name for --target")},
			Remedy:   "Copy from it what the image needs, give it a name if it is a target of its own, or remove it",
		}))
	}
}
