package rules

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var modulesAfterSource = &audit.Rule{
	ID:       "modules-after-source",
	Title:    "the modules are downloaded after the source is copied",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "A RUN of go mod download below a COPY of the whole context, with no download above that COPY and no cache mount for the modules. Certain when the context is known and its go.mod requires modules; with a vendor directory there is nothing to download.",
		Why:    "Each change of a source file makes a new layer at the COPY, and everything below it runs again: all modules are downloaded anew for a changed comment.",
		Unless: "The image is built rarely, or never twice on the same machine.",
	},
	Check: checkModules,
}

var requires = regexp.MustCompile(`(?m)^\s*require\b`)

func checkModules(p *audit.Pass) {
	vendored, needed := moduleFacts(p)
	if vendored || !needed {
		return
	}
	for _, stage := range p.Dockerfile.Stages {
		if !p.Dockerfile.Reachable(stage) {
			continue
		}
		var whole *dockerfile.Instruction
		for _, in := range stage.Instructions {
			switch {
			case in.Copy != nil && whole == nil && in.Copy.From == nil && in.Copy.FromImage == "" && takesAll(in):
				whole = in
			case in.Run == nil || !strings.Contains(in.Run.Script, "go mod download"):
			case whole == nil || strings.Contains(in.Run.Script, "mod download ") && strings.Contains(in.Run.Script, "@"):
				return // downloaded above the source
			case !mountsModules(in):
				reportModules(p, stage, whole, in)
				return
			}
		}
	}
}

// moduleFacts says whether the context vendors its modules, and whether it may need any.
func moduleFacts(p *audit.Pass) (vendored, needed bool) {
	if p.Context == nil || p.Module == nil {
		return false, true
	}
	if _, err := fs.Stat(p.Context.FS, "vendor/modules.txt"); err == nil {
		return true, false
	}
	_, err := fs.Stat(p.Context.FS, "go.work")
	return false, err == nil || requires.MatchString(head(p.Context.FS, "go.mod"))
}

func takesAll(in *dockerfile.Instruction) bool {
	return len(in.Copy.Sources) == 1 && path.Join("/", in.Copy.Sources[0]) == "/" && len(in.Copy.Excludes) == 0 && len(in.Heredocs) == 0
}

// mountsModules reports whether a cache mount keeps what the RUN downloads.
func mountsModules(in *dockerfile.Instruction) bool {
	for _, m := range in.Run.Mounts {
		if m.Type == "cache" && (strings.HasSuffix(strings.TrimRight(m.Target, "/"), "/pkg/mod") || strings.HasSuffix(strings.TrimRight(m.Target, "/"), "/go") || m.Target == "/root/go/pkg") {
			return true
		}
	}
	return false
}

func reportModules(p *audit.Pass, stage *dockerfile.Stage, whole, in *dockerfile.Instruction) {
	f := audit.Finding{
		Certainty: audit.Likely,
		Message:   fmt.Sprintf("go mod download runs below the COPY of the source in line %d: every change of a file downloads all modules again", whole.Span.Start.Line),
		Evidence:  []audit.Evidence{p.At(whole, "the whole build context is copied here")},
		Remedy:    "Copy go.mod and go.sum first, download, then copy the rest",
	}
	if p.Context != nil && p.Module != nil {
		f.Certainty = audit.Proven
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "go.mod requires modules, and there is no vendor directory"))
		f.Fix = modulesFix(p, stage, whole, in)
	}
	p.Report(p.BlameSpan(in, in.Span).Of(f))
}

var localReplace = regexp.MustCompile(`=>\s*\.{0,2}/`)

// modulesFix moves the download above the COPY. Only where the RUN is that command alone and follows the COPY at once, and
// where go.mod and go.sum are all it reads: no workspace, no module replaced by a directory, nothing excluded.
func modulesFix(p *audit.Pass, stage *dockerfile.Stage, whole, in *dockerfile.Instruction) *audit.Fix {
	source := p.Dockerfile.Source
	text := p.Dockerfile.Text(in.Span)
	dest := whole.Words[len(whole.Words)-1].Value
	if in.Index != whole.Index+1 || strings.TrimSpace(in.Run.Script) != "go mod download" || strings.Contains(text, "\n") || len(in.Run.Mounts) > 0 || len(whole.Flags) > 0 || whole.JSON {
		return nil
	}
	if dest != "." && dest != "./" && !path.IsAbs(dest) || path.IsAbs(dest) && path.Clean(dest) != stage.WorkDir.Value || !stage.WorkDir.Known {
		return nil
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if _, err := fs.Stat(p.Context.FS, name); err != nil || missingSource(p, "COPY", name) != "" {
			return nil
		}
	}
	if _, err := fs.Stat(p.Context.FS, "go.work"); err == nil || localReplace.MatchString(head(p.Context.FS, "go.mod")) {
		return nil
	}
	end := in.Span.End.Offset
	newline := lineEnd(source)
	if !strings.HasPrefix(string(source[end:]), newline) || in.Span.Start.Column != 1 || whole.Span.Start.Column != 1 {
		return nil
	}
	gone := in.Span
	gone.End = dockerfile.Position{Line: in.Span.End.Line + 1, Column: 1, Offset: end + len(newline)}
	return &audit.Fix{
		Title:  "Download the modules before the source is copied",
		Safety: audit.Safe,
		Edits: []dockerfile.Edit{
			lineBefore(p, whole, "COPY go.mod go.sum "+slashed(dest)+newline+text),
			{Span: gone},
		},
	}
}

// slashed is a destination of several sources.
func slashed(dest string) string {
	return strings.TrimSuffix(dest, "/") + "/"
}
