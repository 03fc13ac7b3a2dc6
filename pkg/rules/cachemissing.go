package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var cacheMountMissing = &audit.Rule{
	ID:       "cache-mount-missing",
	Title:    "go build compiles or downloads again what a cache mount would keep",
	Severity: audit.Note,
	Sees:     audit.Sees{All: audit.Dockerfile},
	Doc: audit.Doc{
		Checks: "go build and go install without a cache mount over the build cache of the stage's user (GOCACHE, XDG_CACHE_HOME, HOME), where it surely costs: the file uses cache mounts of go elsewhere, or go.mod requires 25 modules or more. It is a warning where an earlier line downloads the modules into a mount that go build does not have: they are downloaded twice. Modules that a layer has need no mount, and modules that are downloaded after the source was copied are modules-after-source's. One finding per stage.",
		Why:    "A changed source file makes the RUN run again from nothing: every package of every dependency is compiled anew.",
		Unless: "The image is built on machines that keep no cache, such as most hosted CI, or by a builder without cache mounts.",
	},
	Check: checkCacheMissing,
}

// manyRequirements is how many modules a go.mod requires, indirect ones included, whose compilation takes long.
const manyRequirements = 25

// goCaches are the two caches of go for the user of a RUN; "" where a cache's place is not known.
type goCaches struct{ build, modules string }

func checkCacheMissing(p *audit.Pass) {
	used := usesCaches(p)
	for _, stage := range p.Dockerfile.Stages {
		if !p.Dockerfile.Reachable(stage) {
			continue
		}
		k := slices.IndexFunc(stage.Instructions, func(in *dockerfile.Instruction) bool {
			return in.Run != nil && len(in.Run.Builds) > 0 && missingCaches(stage, in) != goCaches{}
		})
		if k < 0 {
			continue
		}
		in := stage.Instructions[k]
		missing := missingCaches(stage, in)
		line := downloadedIntoMount(stage, in)
		if !used && (p.Module == nil || len(p.Module.Requires) < manyRequirements) {
			continue
		}
		f := audit.Finding{
			Remedy: "Write RUN " + mountFlags(missing, nil),
			Fix:    cacheFix(p, stage),
		}
		switch {
		case missing.modules != "":
			f.Severity = audit.Warning
			f.Message = fmt.Sprintf("go build has no mount over the modules that line %d downloads into one: it downloads them again", line.Span.Start.Line)
			f.Evidence = []audit.Evidence{p.At(line, "%s is a cache mount here, and in no layer", missing.modules)}
		default:
			f.Message = "go build has no cache mount: it compiles every dependency again whenever a file changes"
			f.Evidence = []audit.Evidence{p.At(in, "no cache mount lies over %s", missing.build)}
		}
		if !used {
			f.Evidence = append(f.Evidence, audit.Seen(audit.LevelText, "go.mod requires %d modules", len(p.Module.Requires)))
		}
		p.Report(p.BlameSpan(in, in.Span).Of(f))
	}
}

// usesCaches reports whether a needed stage has a cache mount of go anywhere.
func usesCaches(p *audit.Pass) bool {
	used := false
	eachNeeded(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		used = used || in.Run != nil && slices.ContainsFunc(in.Run.Mounts, func(m dockerfile.Mount) bool {
			return m.Type == "cache" && (strings.Contains(m.Target, "/pkg/mod") || strings.Contains(m.Target, "go-build"))
		})
	})
	return used
}

// cachesOf says where the user of a RUN has go's caches. Sources: go help environment, os.UserCacheDir; ENV GOPATH /go of
// the official image.
func cachesOf(stage *dockerfile.Stage, in *dockerfile.Instruction) goCaches {
	if !isGolang(stage.Root().Base) || !runsAsRootAt(stage, in) || in.JSON || in.Run == nil {
		return goCaches{}
	}
	places := map[string]string{"HOME": "/root", "GOPATH": "/go", "XDG_CACHE_HOME": "", "GOCACHE": "", "GOMODCACHE": "", "GOENV": "", "GOFLAGS": ""}
	for name := range places {
		value, set, known := setAbove(stage, in, name)
		if set && !known || strings.Contains(in.Run.Script, name+"=") || strings.Contains(in.Run.Script, "env -w") {
			return goCaches{}
		}
		if set {
			places[name] = value
		}
	}
	c := goCaches{build: places["GOCACHE"], modules: places["GOMODCACHE"]}
	if c.build == "" {
		c.build = path.Join(places["HOME"], ".cache/go-build")
		if places["XDG_CACHE_HOME"] != "" {
			c.build = path.Join(places["XDG_CACHE_HOME"], "go-build")
		}
	}
	if c.modules == "" {
		c.modules = path.Join(places["GOPATH"], "pkg/mod")
	}
	if !path.IsAbs(c.build) || !path.IsAbs(c.modules) || strings.ContainsAny(c.build+c.modules, " ,\"'=") {
		return goCaches{}
	}
	return c
}

// missingCaches are the caches that a RUN wants and no mount of it lies over: the build cache, and the module cache where
// a mount has the modules and no layer. Zero if none is missing or their places are not known.
func missingCaches(stage *dockerfile.Stage, in *dockerfile.Instruction) goCaches {
	c := cachesOf(stage, in)
	if c.build == "" || !compiles(in) {
		return goCaches{}
	}
	if mountOver(in, c.modules) != nil || downloadedIntoMount(stage, in) == nil {
		c.modules = ""
	}
	if mountOver(in, c.build) != nil {
		c.build = ""
	}
	return c
}

// downloadedIntoMount is the line above a RUN that downloads the modules where only a mount keeps them, nil if there is
// none or another line puts them into a layer.
func downloadedIntoMount(stage *dockerfile.Stage, in *dockerfile.Instruction) *dockerfile.Instruction {
	var line *dockerfile.Instruction
	for _, step := range before(stage, in) {
		switch {
		case step.Run == nil || !downloads(step):
		case mountsModules(step):
			line = step
		default:
			return nil
		}
	}
	return line
}

// mountFlags writes the mounts of caches; as is a mount of the same file to copy the id and other options of.
func mountFlags(c goCaches, as map[string]string) string {
	var flags []string
	for _, target := range []string{c.modules, c.build} {
		if target == "" {
			continue
		}
		flag := "--mount=type=cache,target=" + target
		if written := as[target]; written != "" {
			flag = written
		}
		flags = append(flags, flag)
	}
	return strings.Join(flags, " ")
}

// cacheFix gives every RUN of a stage that compiles the mounts that it misses. Only where nothing reads the caches but
// those RUNs: a mount hides what the layer has below it, and what is written into it is in no layer.
func cacheFix(p *audit.Pass, stage *dockerfile.Stage) *audit.Fix {
	fix := &audit.Fix{Title: "Mount the caches of go", Safety: audit.Safe}
	written := map[string]string{}
	eachNeeded(p, func(_ *dockerfile.Stage, in *dockerfile.Instruction) {
		if in.Run == nil {
			return
		}
		for _, m := range in.Run.Mounts {
			if text := p.Dockerfile.Text(m.Span); m.Type == "cache" && written[path.Clean(m.Target)] == "" && !strings.Contains(text, "$") {
				written[path.Clean(m.Target)] = text
			}
		}
	})
	for _, in := range stage.Instructions {
		if in.Run == nil {
			continue
		}
		missing := missingCaches(stage, in)
		if missing == (goCaches{}) {
			continue
		}
		if cacheRead(p, stage, in, missing) {
			return nil
		}
		at := afterKeyword(p, in)
		if at.IsZero() {
			return nil
		}
		fix.Edits = append(fix.Edits, dockerfile.Edit{Span: at, New: mountFlags(missing, written) + " "})
	}
	if len(fix.Edits) == 0 {
		return nil
	}
	return fix
}

// afterKeyword is the place of an instruction's first flag or word; zero unless it stands on the keyword's line.
func afterKeyword(p *audit.Pass, in *dockerfile.Instruction) dockerfile.Span {
	text := p.Dockerfile.Text(in.Span)
	rest := strings.TrimLeft(text[len(in.Keyword):], " \t")
	if rest == "" || rest[0] == p.Dockerfile.Escape || rest[0] == '\n' || rest[0] == '\r' {
		return dockerfile.Span{}
	}
	at := in.Span.Start
	at.Offset += len(text) - len(rest)
	at.Column += len(text) - len(rest)
	return dockerfile.Span{Start: at, End: at}
}

// cacheRead reports whether a line of the file may read, outside of a RUN with the mounts, what lies below the caches:
// COPY --from, a mount from the stage, or a script that names them or runs go by another program.
func cacheRead(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, c goCaches) bool {
	touches := func(name string) bool {
		name = path.Join("/", name)
		return slices.ContainsFunc([]string{c.build, c.modules}, func(cache string) bool {
			return cache != "" && (strings.ContainsAny(name, "*?[") || below(name, cache) || below(cache, name))
		})
	}
	for _, s := range p.Dockerfile.Stages {
		for _, o := range s.Instructions {
			if o.Copy != nil && o.Copy.From != nil && startsFrom(o.Copy.From, stage) && (!o.Copy.Known || slices.ContainsFunc(o.Copy.Sources, touches)) {
				return true
			}
			if o.Run == nil {
				continue
			}
			if slices.ContainsFunc(o.Run.Mounts, func(m dockerfile.Mount) bool { return m.From != "" && (m.From == stage.Name || number(m.From)) }) {
				return true
			}
			if startsFrom(s, stage) && (s != stage || o.Index >= in.Index) && readsCaches(o, c) {
				return true
			}
		}
	}
	return false
}

// readsCaches reports whether a RUN may use the caches by other means than go itself.
func readsCaches(in *dockerfile.Instruction, c goCaches) bool {
	s := in.Script()
	if s == nil {
		return true
	}
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE", "go env", "go list", "pkg/mod", "go-build", c.build, c.modules} {
		if name != "" && strings.Contains(in.Run.Script, name) {
			return true
		}
	}
	mounted := (c.modules == "" || mountOver(in, c.modules) != nil || compiles(in)) && (c.build == "" || mountOver(in, c.build) != nil || compiles(in))
	return slices.ContainsFunc(s.Commands, func(cmd dockerfile.ShellCommand) bool {
		return !slices.Contains(harmless, cmd.Args[0].Value) && c.modules != "" || cmd.Args[0].Value == "go" && !mounted && c.modules != ""
	})
}
