package rules

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

var modulesAfterSource = &audit.Rule{
	ID:       "modules-after-source",
	Title:    "the modules are downloaded after the source is copied",
	Severity: audit.Warning,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "A RUN of go mod download, or a go build of the context's module on a golang image, below a COPY of the whole context, with no download above that COPY and no cache mount for the modules. Certain when the context is known and its go.mod requires modules; with a vendor directory there is nothing to download. The correction copies exactly what go mod download reads: with a go.work all its modules' go.mod, with a module replaced by a directory that one's go.mod.",
		Why:    "Each change of a source file makes a new layer at the COPY, and everything below it runs again: all modules are downloaded anew for a changed comment.",
		Unless: "The image is built rarely, or never twice on the same machine.",
	},
	Check: checkModules,
}

// late is a RUN that fetches modules below the COPY of the source.
type late struct {
	stage      *dockerfile.Stage
	whole, run *dockerfile.Instruction
	build      bool // by go build, not by a download of its own
}

func checkModules(p *audit.Pass) {
	vendored, needed := moduleFacts(p)
	if vendored || !needed {
		return
	}
	for _, stage := range p.Dockerfile.Stages {
		if !p.Dockerfile.Reachable(stage) {
			continue
		}
		if l := lateModules(p, stage); l != nil {
			reportModules(p, *l)
			return
		}
	}
}

// lateModules finds the first RUN of a stage that fetches modules below a COPY of the whole context; nil if there is
// none, or a line above has brought modules.
func lateModules(p *audit.Pass, stage *dockerfile.Stage) *late {
	var whole *dockerfile.Instruction
	for _, in := range steps(stage) {
		switch {
		case in.Copy != nil && whole == nil && in.Copy.From == nil && in.Copy.FromImage == "" && takesAll(in):
			whole = in
		case in.Copy != nil && (in.Copy.From != nil || in.Copy.FromImage != "") && (!in.Copy.Known || in.Copy.Covers("/go/pkg/mod/cache")):
			return nil // modules of another stage
		case in.Run == nil:
		case downloads(in) && whole == nil:
			return nil // downloaded above the source
		case whole == nil, mountsModules(in):
		case downloads(in):
			return &late{stage, whole, in, false}
		case slices.ContainsFunc(in.Run.Builds, func(b dockerfile.GoBuild) bool {
			return isGolang(stage.Root().Base) && buildsIn(p, whole, in, b) && !strings.Contains(b.Env["GOFLAGS"], "-mod=vendor")
		}):
			return &late{stage, whole, in, true}
		}
	}
	return nil
}

// buildsIn reports whether a build reads the module in the root of the context, or a module of its workspace, where a COPY
// has put it.
func buildsIn(p *audit.Pass, whole, in *dockerfile.Instruction, b dockerfile.GoBuild) bool {
	switch dest := whole.Copy.Dest; {
	case dest == "":
		return false
	case workspace(p) != nil:
		return b.Dir != "" && below(dest, b.Dir) && b.Env["GOWORK"] == ""
	default:
		return moduleRoot(p, in.Stage, in, b) == dest
	}
}

// moduleFacts says whether the context vendors its modules, and whether it may need any.
func moduleFacts(p *audit.Pass) (vendored, needed bool) {
	switch {
	case p.Context == nil:
		return false, true
	case p.Module == nil && workspace(p) != nil: // a workspace without a module in its root
		return workspace(p).Vendored, requiresForeign(p.Context.FS, &source.Module{Work: workspace(p)})
	case p.Module == nil:
		return false, true
	}
	return p.Module.Vendored && p.Module.Work == nil || p.Module.Work != nil && p.Module.Work.Vendored, requiresForeign(p.Context.FS, p.Module)
}

// requiresForeign reports whether a module, or one of its workspace, requires a module that is neither replaced by a directory
// nor of the workspace; a go.sum says that there was something to download. A member that cannot be read may require any.
func requiresForeign(root fs.FS, m *source.Module) bool {
	members, replaces := []*source.Module{m}, slices.Clone(m.Replaces)
	if m.Work != nil {
		replaces = append(replaces, m.Work.Replaces...)
		for _, use := range m.Work.Uses {
			dir := path.Clean(use)
			if !fs.ValidPath(dir) {
				return true
			}
			sub, err := fs.Sub(root, dir)
			if err != nil {
				return true
			}
			member, err := source.ReadModule(sub)
			if err != nil {
				return true
			}
			members = append(members, member)
			replaces = append(replaces, member.Replaces...)
		}
	}
	here := func(required string) bool {
		return slices.ContainsFunc(members, func(m *source.Module) bool { return m.Path == required }) ||
			slices.ContainsFunc(replaces, func(r source.Replace) bool { return r.Local && r.Old == required })
	}
	return slices.ContainsFunc(members, func(m *source.Module) bool {
		return m.Sum || slices.ContainsFunc(m.Requires, func(r source.Require) bool { return !here(r.Path) })
	})
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

func reportModules(p *audit.Pass, l late) {
	what := "go mod download"
	if l.build {
		what = "go build"
	}
	f := audit.Finding{
		Certainty: audit.Likely,
		Message:   fmt.Sprintf("%s runs below the COPY of the source in line %d: every change of a file downloads all modules again", what, l.whole.Span.Start.Line),
		Evidence:  []audit.Evidence{p.At(l.whole, "the whole build context is copied here")},
		Remedy:    "Copy go.mod and go.sum first, download, then copy the rest",
	}
	if p.Context != nil && (p.Module != nil || workspace(p) != nil) {
		f.Certainty = audit.Proven
		f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "go.mod requires modules, and there is no vendor directory"))
		f.Fix = modulesFix(p, l)
	}
	p.Report(p.BlameSpan(l.run, l.run.Span).Of(f))
}

// modulesFix downloads the modules above the COPY, with exactly the files that go mod download reads. A RUN of that
// command alone, right below the COPY, moves.
func modulesFix(p *audit.Pass, l late) *audit.Fix {
	whole := l.whole
	if len(whole.Flags) > 0 || whole.JSON || len(whole.Words) != 2 || whole.Span.Start.Column != 1 || whole.Stage != l.run.Stage || !runsAsRootAt(whole.Stage, whole) || credentialsBelow(whole, l.run) {
		return nil
	}
	dest := whole.Words[1].Value
	if strings.Contains(dest, "$") || strings.ContainsAny(dest, " \"'\t") {
		return nil
	}
	files := moduleFiles(p)
	if files == nil {
		return nil
	}
	newline := lineEnd(p.Dockerfile.Source)
	download := "RUN go mod download"
	if dest != "." && dest != "./" {
		dir, known := workDirAt(whole.Stage, whole)
		switch {
		case !path.IsAbs(dest):
			return nil
		case !known || dir != path.Clean(dest):
			download = "RUN cd " + path.Clean(dest) + " && go mod download"
		}
	}
	fix := &audit.Fix{Title: "Download the modules before the source is copied", Safety: audit.Safe}
	if gone := aloneBelow(p, whole, l.run); !gone.IsZero() {
		if download == "RUN go mod download" {
			download = p.Dockerfile.Text(l.run.Span)
		}
		fix.Edits = append(fix.Edits, dockerfile.Edit{Span: gone})
	}
	var lines []string
	for _, dir := range slices.Sorted(maps.Keys(files)) {
		to := slashed(dest)
		if dir != "." {
			to += dir + "/"
		}
		lines = append(lines, "COPY "+strings.Join(files[dir], " ")+" "+to)
	}
	fix.Edits = append([]dockerfile.Edit{lineBefore(p, whole, strings.Join(append(lines, download), newline))}, fix.Edits...)
	return fix
}

// credentials are words of scripts that prepare the way to private modules.
var credentials = lazyregexp.New(`netrc|\bgit +config|insteadOf|GOPRIVATE|GOPROXY|GONOSUMDB|GONOPROXY|GOFLAGS|GOAUTH|GOINSECURE|ssh-|known_hosts|mod +edit|go +env +-w`)

// credentialsBelow reports whether lines below the COPY, up to the RUN, set what a download needs: above the COPY it would
// lack that.
func credentialsBelow(whole, run *dockerfile.Instruction) bool {
	return slices.ContainsFunc(whole.Stage.Instructions[whole.Index:run.Index+1], func(in *dockerfile.Instruction) bool {
		switch {
		case in.Run != nil:
			return credentials.MatchString(in.Run.Script) || slices.ContainsFunc(in.Run.Mounts, func(m dockerfile.Mount) bool { return m.Type == "secret" || m.Type == "ssh" })
		case in.Keyword == "ENV", in.Keyword == "ARG":
			return slices.ContainsFunc(in.Words, func(w dockerfile.Word) bool {
				return strings.HasPrefix(w.Value, "GO") || strings.HasPrefix(w.Value, "GIT_")
			})
		}
		return in.Keyword == "USER" || in.Keyword == "SHELL" || in != whole && in.Keyword == "ADD"
	})
}

// aloneBelow is the whole line of a RUN that is go mod download alone and stands right below the COPY; zero if it is not.
func aloneBelow(p *audit.Pass, whole, run *dockerfile.Instruction) dockerfile.Span {
	if run.Index != whole.Index+1 || strings.TrimSpace(run.Run.Script) != "go mod download" || strings.Contains(p.Dockerfile.Text(run.Span), "\n") || len(run.Run.Mounts) > 0 || run.Span.Start.Column != 1 {
		return dockerfile.Span{}
	}
	end := run.Span.End.Offset
	newline := lineEnd(p.Dockerfile.Source)
	if !strings.HasPrefix(string(p.Dockerfile.Source[end:]), newline) {
		return dockerfile.Span{}
	}
	gone := run.Span
	gone.End = dockerfile.Position{Line: run.Span.End.Line + 1, Column: 1, Offset: end + len(newline)}
	return gone
}

// slashed is a destination of several sources.
func slashed(dest string) string {
	return strings.TrimSuffix(dest, "/") + "/"
}
