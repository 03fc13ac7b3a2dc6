package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var workdirRelative = &audit.Rule{
	ID:       "workdir-relative",
	Title:    "a relative WORKDIR starts from wherever the base image is",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "A relative WORKDIR with no absolute one above it in its stage and those it starts from. A relative one below an absolute one is clear.",
		Why:    "The base image's own working directory decides where the files go: another base, or a new version of it, moves them.",
		Unless: "The base image is made for it.",
	},
	Check: checkWorkdir,
}

func checkWorkdir(p *audit.Pass) {
	for _, w := range p.Dockerfile.Warnings {
		in := w.By
		if w.Rule != "WorkdirRelativePath" || in == nil || in.Keyword != "WORKDIR" || len(in.Words) != 1 || !p.Dockerfile.Reachable(in.Stage) {
			continue
		}
		base := shortBase(in.Stage.Root())
		f := audit.Finding{
			Message:  fmt.Sprintf("WORKDIR %s is relative to the working directory of %s", in.Words[0].Value, base),
			Evidence: []audit.Evidence{p.At(in.Stage.Root().From, "no WORKDIR above says where that is")},
			Remedy:   "Write an absolute path",
		}
		if from, known := imageWorkDir(in.Stage.Root().Base); known && p.Dockerfile.Text(in.Words[0].Span) == in.Words[0].Value && !strings.Contains(in.Words[0].Value, "$") {
			f.Fix = &audit.Fix{
				Title:  "Write the absolute path that it is today",
				Safety: audit.Safe,
				Edits:  []dockerfile.Edit{{Span: in.Words[0].Span, New: path.Join(from, in.Words[0].Value)}},
			}
		}
		p.Report(p.BlameSpan(in, in.Words[0].Span).Of(f))
	}
}

// imageWorkDir is the working directory of an official image. Sources: their Dockerfiles; golang's has WORKDIR $GOPATH.
func imageWorkDir(base string) (dir string, known bool) {
	switch {
	case official(base, "golang"):
		return "/go", !strings.Contains(base, "windows") && !strings.Contains(base, "nanoserver")
	case official(base, "alpine", "busybox", "debian", "ubuntu", "fedora", "scratch"):
		return "/", true
	}
	return "", false
}

// workDirAt is the working directory at an instruction; known is false where the base image, or a variable, decides.
func workDirAt(stage *dockerfile.Stage, in *dockerfile.Instruction) (dir string, known bool) {
	var relative []string
	for _, step := range slices.Backward(before(stage, in)) {
		if step.Keyword != "WORKDIR" || len(step.Words) != 1 {
			continue
		}
		name := step.Words[0].Value
		if strings.Contains(name, "$") {
			return "", false
		}
		relative = append(relative, name)
		if path.IsAbs(name) {
			slices.Reverse(relative)
			return path.Join(relative...), true
		}
	}
	if stage.Root().Scratch() {
		slices.Reverse(relative)
		return path.Join("/", path.Join(relative...)), true
	}
	return "", false
}
