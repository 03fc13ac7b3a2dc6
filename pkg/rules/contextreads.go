package rules

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// contextReads is what the source in the context says of its other files.
type contextReads struct {
	patterns []string // of go:embed lines, as source.Embedded takes them
	texts    []string // of Go files that are no tests
	known    bool     // all source was read
}

// readContext reads the Go files of the context.
func readContext(p *audit.Pass) *contextReads {
	const most, bytes = 20_000, 1 << 20
	r := &contextReads{known: true}
	err := p.Context.Walk(func(name string, dir bool) error {
		if dir || path.Ext(name) != ".go" {
			return nil
		}
		if len(r.texts) == most {
			return fs.SkipAll
		}
		file, err := p.Context.FS.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, bytes))
		if err != nil {
			return err
		}
		r.patterns = append(r.patterns, embedLines(path.Dir(name), string(text))...)
		if !strings.HasSuffix(name, "_test.go") {
			r.texts = append(r.texts, string(text))
		}
		return nil
	})
	r.known = err == nil && len(r.texts) > 0 && len(r.texts) < most
	return r
}

var embedLine = lazyregexp.New(`(?m)^//go:embed[ \t]+(.+)$`)

// embedLines are the patterns of a Go file's go:embed lines, from the root of the context. Source: package embed.
func embedLines(dir, text string) []string {
	var all []string
	for _, m := range embedLine.FindAllStringSubmatch(text, -1) {
		for rest := strings.TrimSpace(m[1]); rest != ""; rest = strings.TrimSpace(rest) {
			word, _, _ := strings.Cut(rest, " ")
			if quoted, err := strconv.QuotedPrefix(rest); err == nil {
				word = quoted
			}
			rest = rest[len(word):]
			if plain, err := strconv.Unquote(word); err == nil {
				word = plain
			}
			bare, hidden := strings.CutPrefix(word, "all:")
			if bare = path.Join(dir, bare); hidden {
				bare = "all:" + bare
			}
			all = append(all, bare)
		}
	}
	return all
}

// embeds reports whether a program of the context embeds a file.
func (r *contextReads) embeds(name string) bool { return source.Embedded(r.patterns, name) }

// service says whether the service may read a secret that is in its image. Settings are looked for in the source of a
// program that the Dockerfile builds; who names a key to a program need not stand in its source.
func (r *contextReads) service(p *audit.Pass, name string) verdict {
	base := path.Base(name)
	if !r.known || !strings.HasPrefix(base, ".env") || !startsBuilt(p) || strings.Contains(string(p.Dockerfile.Source), base) {
		return perhaps
	}
	if slices.ContainsFunc(r.texts, func(text string) bool { return strings.Contains(text, ".env") || strings.Contains(text, "dotenv") }) {
		return perhaps
	}
	return needless
}

// startsBuilt reports whether the image starts a program that the Dockerfile builds, without a shell around it.
func startsBuilt(p *audit.Pass) bool {
	final := p.Dockerfile.Final()
	program := startedFile(final)
	return program != "" && slices.ContainsFunc(p.Dockerfile.Origin(final, program), func(in *dockerfile.Instruction) bool {
		return in.Run != nil && len(in.Run.Builds) > 0
	})
}

// saysGit finds git in a script, as a program or a directory.
var saysGit = lazyregexp.New(`(^|[^\w.-])git([^\w-]|$)|\.git\b`)

// gitNeeded reports whether a build may read .git: a go build that stamps the version from it, a script that says git, a
// program that is not known, or a line that names a part of it.
func (f *contextFilter) gitNeeded() bool {
	if f.git == nil {
		answer := f.readsGit()
		f.git = &answer
	}
	return *f.git
}

func (f *contextFilter) readsGit() bool {
	part := func(name string) bool { return slices.Contains(strings.Split(name, "/"), ".git") }
	if slices.ContainsFunc(f.Context.Patterns, func(s string) bool { return strings.HasPrefix(s, "!") && part(s[1:]) }) {
		return true
	}
	for _, stage := range f.Dockerfile.Stages {
		sees := f.seesGit(stage)
		for _, in := range stage.Instructions {
			if sees && in.Run != nil && runReadsGit(stage, in) || in.Copy != nil && slices.ContainsFunc(in.Copy.Sources, part) {
				return true
			}
		}
	}
	return false
}

// seesGit reports whether a stage may have the context's .git, or a part of it by its name.
func (f *contextFilter) seesGit(stage *dockerfile.Stage) bool {
	return slices.ContainsFunc(f.Dockerfile.Stages, func(s *dockerfile.Stage) bool {
		return f.sees(stage, s) && slices.ContainsFunc(s.Instructions, func(in *dockerfile.Instruction) bool {
			return f.lands(in, ".git/HEAD") != "" || in.Copy != nil && slices.ContainsFunc(slices.Collect(maps.Keys(f.taken[in])), inGit)
		})
	})
}

// runReadsGit reports whether a RUN may read .git.
func runReadsGit(stage *dockerfile.Stage, in *dockerfile.Instruction) bool {
	s := in.Script()
	if s == nil || saysGit.MatchString(in.Run.Script) {
		return true
	}
	if gitIn(stage, in) == absentThere {
		return slices.ContainsFunc(in.Run.Builds, func(b dockerfile.GoBuild) bool { return stamps(b) == "true" })
	}
	if slices.ContainsFunc(s.Commands, func(c dockerfile.ShellCommand) bool {
		return len(c.Args) > 0 && (!slices.Contains(harmless, c.Args[0].Value) || c.Args[0].Value == "go" && len(c.Args) > 1 && slices.Contains([]string{"generate", "run", "test", "tool"}, c.Args[1].Value))
	}) {
		return true
	}
	return slices.ContainsFunc(in.Run.Builds, func(b dockerfile.GoBuild) bool {
		return stamps(b) != "false" || slices.Contains(b.Unknown, "GOFLAGS")
	})
}
