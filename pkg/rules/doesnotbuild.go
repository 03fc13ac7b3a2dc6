package rules

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var doesNotBuild = &audit.Rule{
	ID:       "does-not-build",
	Title:    "the build stops at a line",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Text},
	Doc: audit.Doc{
		Checks: "COPY, ADD and bind mounts whose source is not in the build context or is excluded by .dockerignore, when the context is known (likely where a step before the build may make the file: a program, a directory); COPY --from a stage that has been filled from scratch without that path, or by lines that none of them writes it; a stage name that no stage has; RUN in a stage from scratch that has no shell; owners by name where there is no /etc/passwd to look them up in; a directory where a line above has put a file; a mount without a target. A build argument without a value that FROM takes is a note: --build-arg may give it. A Dockerfile that BuildKit does not even parse, with BuildKit's words and line; one for another frontend than docker/dockerfile is unread then.",
		Why:    "The build ends there.",
		Unless: "The context that is audited is another one than the build's, or --build-context gives the name a meaning.",
		Messages: []string{
			`failed to calculate checksum of ref *: "*": not found`,
			"lstat *: no such file or directory",
			"dockerfile parse error on line *",
			"pull access denied, repository does not exist or may require authorization",
			"failed to resolve source metadata for *",
			"invalid user index: -1",
			"mkdir *: not a directory",
			`invalid mount target "/"`,
			"base name * should not be blank",
		},
	},
	Check: checkBuilds,
}

func checkBuilds(p *audit.Pass) {
	if p.Refused != nil {
		checkRefused(p)
		return
	}
	for _, stage := range p.Dockerfile.Stages {
		if p.Dockerfile.Reachable(stage) {
			checkStageName(p, stage, stage.From, stage.Base)
		}
	}
	checkMissingBase(p)
	eachNeeded(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction) {
		checkUnbuildable(p, stage, in)
		switch {
		case in.Copy != nil && in.Copy.From != nil:
			checkStageSource(p, in)
		case in.Copy != nil && in.Copy.FromImage != "":
			checkStageName(p, stage, in, in.Copy.FromImage)
		case in.Copy != nil:
			checkContextSource(p, in)
		case in.Run != nil:
			checkMountSource(p, in)
			checkScratchRun(p, stage, in)
		}
	})
}

// checkContextSource asks the context for each source, as BuildKit does.
func checkContextSource(p *audit.Pass, in *dockerfile.Instruction) {
	if p.Context == nil || !in.Copy.Known || flagValue(in, "parents") != "" {
		return
	}
	for k, src := range in.Copy.Sources {
		missing := missingSource(p, in.Keyword, src)
		if missing == "" {
			continue
		}
		f := audit.Finding{
			Certainty: missingCertain(src, missing),
			Message:   fmt.Sprintf("%s takes %s, which %s", in.Keyword, src, missing),
			Evidence:  []audit.Evidence{p.At(in, "the build context has no %s after .dockerignore", path.Clean("/"+src))},
			Words:     sourceWords(src),
			Remedy:    "Name a path of the build context, or let .dockerignore keep it",
		}
		at := in.Span
		if k < len(in.Words) {
			at = in.Words[k].Span
			f.Fix = optionalSum(p, in, k)
		}
		p.Report(p.BlameSpan(in, at).Of(f))
	}
}

const (
	notInContext = "is not in the build context"
	excludes     = " excludes"
)

// sourceEndings are the endings of files that people write: they are there, or they are not. Anything else may be made
// by a step before the build, such as a program that is only packed.
var sourceEndings = []string{".c", ".cfg", ".conf", ".go", ".h", ".html", ".ini", ".json", ".md", ".mod", ".proto", ".sh", ".sql", ".sum", ".toml", ".txt", ".work", ".yaml", ".yml"}

// missingCertain says how certain it is that a source will be missing in the build, too.
func missingCertain(src, missing string) audit.Certainty {
	made := slices.ContainsFunc(strings.Split(path.Clean(src), "/"), func(dir string) bool {
		return slices.Contains([]string{".build", "bin", "build", "dist", "gen", "node_modules", "out", "target"}, dir)
	})
	if missing != notInContext || slices.Contains(sourceEndings, path.Ext(src)) && !made {
		return audit.Proven
	}
	return audit.Likely
}

// missingSource says why a source is not there, "" if it is.
func missingSource(p *audit.Pass, keyword, src string) string {
	probe := &dockerfile.Instruction{Keyword: keyword, Copy: &dockerfile.Copy{Sources: []string{src}, Known: true}}
	_, err := p.Context.Taken(probe, 1)
	if err == nil || !strings.HasSuffix(err.Error(), ": not found") {
		return ""
	}
	name := strings.TrimPrefix(path.Clean("/"+src), "/")
	if _, err := fs.Stat(p.Context.FS, name); err == nil && name != "" {
		return p.Context.IgnoreFile + excludes
	}
	return notInContext
}

// sourceWords are BuildKit's words for a source that is not there: the directory above a pattern is looked up by itself.
func sourceWords(src string) string {
	elements := strings.Split(path.Clean("/"+src), "/")
	if k := slices.IndexFunc(elements, func(e string) bool { return strings.ContainsAny(e, "*?[") }); k >= 0 {
		return fmt.Sprintf("lstat %s: no such file or directory", strings.Join(elements[:k], "/"))
	}
	return fmt.Sprintf("%q: not found", path.Clean("/"+src))
}

// optionalSum makes a go.sum that the module does not have optional: a pattern may match nothing.
func optionalSum(p *audit.Pass, in *dockerfile.Instruction, k int) *audit.Fix {
	w := in.Words[k]
	if in.Keyword != "COPY" || in.JSON || path.Base(w.Value) != "go.sum" || p.Dockerfile.Text(w.Span) != w.Value || len(in.Copy.Sources) < 2 || p.Module == nil {
		return nil
	}
	if _, err := fs.Stat(p.Context.FS, path.Clean(w.Value)); err == nil {
		return nil // excluded on purpose
	}
	return &audit.Fix{
		Title:  "Copy go.sum when there is one",
		Safety: audit.Safe,
		Edits:  []dockerfile.Edit{{Span: w.Span, New: w.Value + "*"}},
	}
}

func checkMountSource(p *audit.Pass, in *dockerfile.Instruction) {
	if p.Context == nil || !contextServes(p) {
		return
	}
	for _, m := range in.Run.Mounts {
		if m.Type != "bind" || m.From != "" || m.Source == "" || strings.ContainsAny(m.Source, "$*?[") {
			continue
		}
		missing := missingSource(p, "COPY", m.Source)
		if missing == "" {
			continue
		}
		p.Report(p.BlameSpan(in, m.Span).Of(audit.Finding{
			Certainty: missingCertain(m.Source, missing),
			Message:   fmt.Sprintf("RUN mounts %s, which %s", m.Source, missing),
			Evidence:  []audit.Evidence{p.At(in, "the build context has no %s after .dockerignore", path.Clean("/"+m.Source))},
			Words:     sourceWords(m.Source),
			Remedy:    "Mount a path of the build context, or let .dockerignore keep it",
		}))
	}
}

// contextServes reports whether a COPY or a mount finds a file in the context by its name: a directory that serves none
// may not be the context of the build.
func contextServes(p *audit.Pass) bool {
	found := false
	serves := func(src string) {
		name := path.Join("/", src)
		found = found || name != "/" && !strings.ContainsAny(name, "$*?[") && missingSource(p, "COPY", name) == ""
	}
	eachNeeded(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		switch {
		case in.Copy != nil && in.Copy.From == nil && in.Copy.FromImage == "" && in.Copy.Known:
			for _, src := range in.Copy.Sources {
				serves(src)
			}
		case in.Run != nil:
			for _, m := range in.Run.Mounts {
				if m.Type == "bind" && m.From == "" && m.Source != "" {
					serves(m.Source)
				}
			}
		}
	})
	return found
}

// checkStageSource looks for a COPY --from whose path no line of the stage makes.
func checkStageSource(p *audit.Pass, in *dockerfile.Instruction) {
	if !in.Copy.Known {
		return
	}
	for k, src := range in.Copy.Sources {
		name := path.Join("/", src)
		if src == "" || strings.ContainsAny(src, "*?[") || name == "/" {
			continue
		}
		certainty, built := absent(p, in.Copy.From, name)
		if certainty == "" {
			continue
		}
		at := in.Span
		if k < len(in.Words) {
			at = in.Words[k].Span
		}
		f := audit.Finding{
			Certainty: certainty,
			Message:   fmt.Sprintf("COPY --from=%s takes %s, which no line of that stage makes", flagValue(in, "from"), name),
			Evidence:  []audit.Evidence{p.At(in.Copy.From.From, "%s begins here, and none of its lines writes %s", stageName(in.Copy.From), name)},
			Words:     fmt.Sprintf("%q: not found", name),
			Remedy:    "Copy the path that the stage writes",
		}
		if built != "" {
			f.Remedy = fmt.Sprintf("Copy the path that the stage writes: go build writes %s", built)
		}
		p.Report(p.BlameSpan(in, at).Of(f))
	}
}

// systemDirs are directories that a base image brings with it.
var systemDirs = []string{"bin", "boot", "dev", "etc", "go", "home", "lib", "lib64", "media", "mnt", "nix", "nonexistent", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"}

// absent says how certain it is that a stage does not have a path, "" if it may have it. built is what its go build
// writes. From scratch, copies alone decide. Over a base image the path must be none of the system's, and the RUNs plain.
func absent(p *audit.Pass, stage *dockerfile.Stage, name string) (certainty audit.Certainty, built string) {
	certainty = audit.Proven
	first, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if !stage.Root().Scratch() {
		certainty = audit.Likely
		if slices.Contains(systemDirs, first) || stage.Root().Base == "" {
			return "", ""
		}
	}
	for _, in := range steps(stage) {
		switch {
		case in.Keyword == "ONBUILD", in.Keyword == "VOLUME":
			return "", ""
		case in.Keyword == "WORKDIR":
			if mayBeDir(stage, name) {
				return "", ""
			}
		case in.Copy != nil:
			if in.Keyword == "ADD" || in.Copy.Dest == "" || !in.Copy.Known || below(name, in.Copy.Dest) || in.Copy.Covers(name) && !copyLacks(p, in, name) {
				return "", ""
			}
		case in.Run != nil:
			for _, b := range in.Run.Builds {
				if b.Output == "" || below(name, b.Output) || strings.HasSuffix(b.Output, "/") {
					return "", ""
				}
				built = b.Output
			}
			if mountOver(in, name) != nil || runMayMake(in, name) {
				return "", ""
			}
			certainty = audit.Likely
		}
	}
	if certainty == audit.Likely && built == "" {
		return "", ""
	}
	return certainty, built
}

// mayBeDir reports whether a WORKDIR of the stage may have made the path.
func mayBeDir(stage *dockerfile.Stage, name string) bool {
	for _, s := range lineage(stage) {
		for _, in := range s.Instructions {
			if in.Keyword != "WORKDIR" || len(in.Words) == 0 {
				continue
			}
			dir := in.Words[0].Value
			if !path.IsAbs(dir) || strings.Contains(dir, "$") || below(name, path.Clean(dir)) {
				return true
			}
		}
	}
	return false
}

// runMayMake reports whether a RUN may make a path besides what its go builds write.
func runMayMake(in *dockerfile.Instruction, name string) bool {
	s := in.Script()
	if s == nil {
		return true
	}
	for _, c := range s.Commands {
		switch {
		case c.Args[0].Value == "go" && len(c.Args) > 1:
			if !slices.Contains([]string{"build", "mod", "vet", "test", "version", "env"}, c.Args[1].Value) || c.Redirected {
				return true
			}
		case !slices.Contains(plainCommands, c.Args[0].Value), c.Redirected:
			return true
		default:
			if slices.ContainsFunc(c.Args[1:], func(w dockerfile.ShellWord) bool {
				return !w.Literal || path.Base(w.Value) == path.Base(name) || strings.HasPrefix(w.Value, name)
			}) {
				return true
			}
		}
	}
	return false
}

// copyLacks reports whether a COPY around the path surely does not bring it: the context is known and has no such file.
func copyLacks(p *audit.Pass, in *dockerfile.Instruction, name string) bool {
	if p.Module == nil || in.Copy.From != nil || in.Copy.FromImage != "" {
		return false // without a go.mod in its root the directory may not be the context of a build
	}
	src := in.Copy.Source(name)
	return src != "" && missingSource(p, "COPY", src) != ""
}

// checkScratchRun finds a RUN in a stage from scratch into which nothing was copied.
func checkScratchRun(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction) {
	if !stage.Root().Scratch() {
		return
	}
	for _, before := range append(steps(stage.Parent), stage.Instructions[:in.Index]...) {
		if before.Keyword == "ADD" || before.Keyword == "RUN" || before.Copy != nil && (before.Copy.From != nil || before.Copy.FromImage != "" || before.Copy.Covers("/bin/sh")) {
			return
		}
	}
	if len(in.Run.Mounts) > 0 || len(stage.Shell.Words) > 0 {
		return
	}
	if in.JSON {
		if filled := slices.ContainsFunc(before(stage, in), func(o *dockerfile.Instruction) bool { return o.Copy != nil }); !filled && len(in.Run.Exec) > 0 {
			refuse(p, in, in.Span, fmt.Sprintf("RUN starts %s, and its stage is from scratch and has no files", in.Run.Exec[0]), fmt.Sprintf("process %q did not complete successfully", strings.Join(in.Run.Exec, " ")),
				"Run it in a stage that has the program and copy what it makes", p.At(stage.Root().From, "the stage begins with nothing, and no line before the RUN brings a file"))
		}
		return
	}
	p.Report(p.BlameSpan(in, in.Span).Of(audit.Finding{
		Message:  "RUN needs a shell, and its stage is from scratch and has none",
		Evidence: []audit.Evidence{p.At(stage.Root().From, "the stage begins with nothing, and no line before the RUN brings /bin/sh")},
		Words:    `exec: "/bin/sh": stat /bin/sh: no such file or directory`,
		Remedy:   "Run it in a stage that has a shell and copy what it makes",
	}))
}

// stageWords are names that people give to stages and that are no images.
var stageWords = []string{"build", "builder", "build-stage", "build-env", "go-builder", "gobuild", "compile", "compiler", "deps", "dependencies", "modules", "final", "runtime", "runner", "release", "production", "prod", "dev", "test"}

// checkStageName finds the name of a stage that does not exist where it is used: it is taken for an image.
func checkStageName(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, name string) {
	if stage.Parent != nil && in == stage.From || strings.ContainsAny(name, "/:@.") || name == "" || name == "scratch" {
		return
	}
	var near string
	for _, s := range p.Dockerfile.Stages {
		switch {
		case s.Name == "":
		case strings.EqualFold(s.Name, name):
			near = fmt.Sprintf("stage %s begins in line %d, below", s.Name, s.From.Span.Start.Line)
		case near == "" && slices.Contains(stageWords, name):
			near = fmt.Sprintf("there is a stage %s", s.Name)
		}
	}
	if near == "" && (in == stage.From || !slices.Contains(stageWords, name)) {
		return
	}
	if near == "" {
		near = "no stage has a name"
	}
	p.Report(p.BlameSpan(in, in.Span).Of(audit.Finding{
		Certainty: audit.Likely,
		Message:   fmt.Sprintf("%s names %s, which is no stage here: it is taken for an image", in.Keyword, name),
		Evidence:  []audit.Evidence{p.At(in, "%s", near)},
		Words:     "failed to resolve source metadata for " + name,
		Remedy:    "Name a stage that stands above, FROM ... AS " + name,
	}))
}
