package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

var vcsUnavailable = &audit.Rule{
	ID:       "vcs-unavailable",
	Title:    "go build stamps the version from a .git that git refuses to read",
	Severity: audit.Error,
	Sees:     audit.Sees{All: audit.Dockerfile | audit.Context},
	Doc: audit.Doc{
		Checks: "The .git directory that COPY takes from the context (or that a bind mount shows) above the directory of a go build: .dockerignore leaves out a part without which it is no repository (HEAD, objects, refs, or all but the directory itself); or it, or the directory around it, belongs to another user than the one that go build runs as. Only where git is there: without git, go build stamps nothing and says nothing, unless -buildvcs=true asks for it, which is reported too. Lines that build single files (go build main.go) stamp nothing.",
		Why:    "go build asks git for the revision. git says that this is no repository, or that it belongs to somebody else, and the build stops.",
		Unless: "A git configuration of the base image trusts the directory (safe.directory).",
		Messages: []string{
			"error obtaining VCS status: exit status 128*",
			`error obtaining VCS status: exec: "git": executable file not found in $PATH*`,
			"*Use -buildvcs=false to disable VCS stamping*",
		},
	},
	Check: checkVCS,
}

func checkVCS(p *audit.Pass) {
	if _, err := fs.Stat(p.Context.FS, ".git"); err != nil {
		return
	}
	reported := map[*dockerfile.Stage]bool{}
	eachBuild(p, func(stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) {
		if reported[stage] {
			return
		}
		f, ok := vcsFault(p, stage, in, b)
		if !ok {
			return
		}
		reported[stage] = true
		if f.Fix == nil {
			f.Fix = unstamped(p, stage)
		}
		p.Report(p.BlameSpan(in, b.Span).Of(f))
	})
}

// unstamped turns the stamp off in every build of the stage that would stop for it.
func unstamped(p *audit.Pass, stage *dockerfile.Stage) *audit.Fix {
	all := &audit.Fix{Title: "Build without the stamp", Safety: audit.Safe}
	for _, in := range stage.Instructions {
		if in.Run == nil {
			continue
		}
		for k := range in.Run.Builds {
			if _, ok := vcsFault(p, stage, in, in.Run.Builds[k]); !ok {
				continue
			}
			edits := (&goLine{p, in, &in.Run.Builds[k]}).add("-buildvcs=false")
			if _, written := in.Run.Builds[k].Flag("buildvcs"); edits == nil || written || in.JSON {
				return nil
			}
			all.Edits = append(all.Edits, edits...)
		}
	}
	return all
}

// vcsFault says why a build cannot be stamped.
func vcsFault(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) (f audit.Finding, ok bool) {
	asked := stamps(b)
	if asked == "false" || b.Dir == "" || slices.Contains(b.Unknown, "GOFLAGS") || b.Env["GO111MODULE"] == "off" ||
		slices.ContainsFunc(b.Packages, func(s string) bool { return strings.Contains(s, "@") || path.Ext(s) == ".go" }) {
		return f, false
	}
	repo := repositoryOf(p, stage, in, b.Dir)
	if repo == nil || trusted(stage, in) {
		return f, false
	}
	f = audit.Finding{
		Certainty: audit.Proven,
		Words:     "error obtaining VCS status: exit status 128",
		Remedy:    "Build with -buildvcs=false, or leave .git out of the context as a whole",
	}
	state, because := repositoryState(p.Context, repo.source)
	if state == noRepository {
		return f, false
	}
	switch gitIn(stage, in) {
	case absentThere:
		if asked != "true" {
			return f, false
		}
		f.Message = "go build -buildvcs=true stamps the version, and its stage has no git"
		f.Evidence = []audit.Evidence{p.At(stage.Root().From, "%s has no git, and no line above go build installs it", shortBase(stage.Root()))}
		f.Words = `error obtaining VCS status: exec: "git": executable file not found in $PATH`
		f.Remedy = "Install git in the stage, or build without -buildvcs=true"
		f.Fix = apkFix(p, stage, in, "git", "Install git")
		return f, state == wholeRepository
	case unsure:
		f.Certainty = audit.Likely
	}
	if state != wholeRepository {
		if state == doubtfulRepository {
			f.Certainty = audit.Likely
		}
		f.Message = fmt.Sprintf("go build stamps the version from %s, of which %s", path.Join(repo.dir, ".git"), because)
		f.Evidence = []audit.Evidence{p.At(repo.by, "%s brings .git without it", repo.by.Keyword)}
		return f, true
	}
	owner, mine, certain := repo.owner, "", true
	if mine, certain = userAt(stage, in); !certain || owner == "" {
		return f, false
	}
	mine, _, _ = strings.Cut(mine, ":")
	if owner == mine || owner != "0" && mine != "0" && !(number(owner) && number(mine)) {
		return f, false // a name may be the other's number
	}
	f.Message = fmt.Sprintf("go build runs as %s and stamps the version from %s, which belongs to %s: git refuses to read it", accountName(mine), path.Join(repo.dir, ".git"), accountName(owner))
	f.Evidence = []audit.Evidence{p.At(repo.by, "%s gives the files to %s", repo.by.Keyword, accountName(owner))}
	f.Remedy = "Build with -buildvcs=false, or as the user that the files belong to"
	return f, true
}

// stamps is what a build says of the stamp: "true", "false", or "auto".
func stamps(b dockerfile.GoBuild) string {
	asked := "auto"
	for _, word := range strings.Fields(b.Env["GOFLAGS"]) {
		if value, ok := strings.CutPrefix(strings.TrimLeft(word, "-"), "buildvcs"); ok {
			asked = strings.TrimPrefix(value, "=")
		}
	}
	if flag, ok := b.Flag("buildvcs"); ok {
		asked = flag.Value
	}
	switch asked {
	case "", "1", "t", "T", "TRUE", "True":
		return "true"
	case "0", "f", "F", "FALSE", "False":
		return "false"
	}
	return asked
}

// number reports whether an account is a number.
func number(account string) bool { return account != "" && strings.Trim(account, "0123456789") == "" }

func accountName(account string) string {
	if account == "0" {
		return "root"
	}
	return account
}

// inRepository is a .git that a stage has.
type inRepository struct {
	dir    string // that it lies in
	source string // its path in the context
	by     *dockerfile.Instruction
	owner  string // as userAt writes it, without a group; "" if unknown
}

// repositoryOf is the .git that go finds first on its way up from a directory of the stage, nil if there is none or it
// cannot be told.
func repositoryOf(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, dir string) *inRepository {
	for ; ; dir = path.Dir(dir) {
		for _, m := range in.Run.Mounts {
			if m.Type == "bind" && m.From == "" && path.Join(dir, m.Target) == dir {
				return &inRepository{dir: dir, source: strings.TrimPrefix(path.Join("/", m.Source, ".git"), "/"), by: in, owner: "0"}
			}
		}
		name := path.Join(dir, ".git")
		for _, step := range slices.Backward(before(stage, in)) {
			c := step.Copy
			if c == nil || !c.Covers(name) {
				continue
			}
			from := strings.TrimPrefix(c.Source(name), "/")
			if from == "" || c.From != nil || c.FromImage != "" || len(c.Excludes) > 0 {
				return nil
			}
			if info, err := fs.Stat(p.Context.FS, from); err == nil && info.IsDir() {
				owner, _, _ := strings.Cut(rootName(c.Chown), ":")
				if strings.Contains(c.Chown, "$") {
					owner = ""
				}
				return &inRepository{dir: dir, source: from, by: step, owner: owner}
			}
		}
		if dir == "/" {
			return nil
		}
	}
}

// trusted reports whether a line may make git read what it would not, or change what it reads.
func trusted(stage *dockerfile.Stage, in *dockerfile.Instruction) bool {
	return slices.ContainsFunc(append(before(stage, in), in), func(step *dockerfile.Instruction) bool {
		switch {
		case step.Run != nil:
			s := step.Script()
			return s == nil || strings.Contains(step.Run.Script, "safe.directory") || strings.Contains(step.Run.Script, ".git") ||
				slices.ContainsFunc(s.Commands, func(c dockerfile.ShellCommand) bool {
					return slices.Contains([]string{"chown", "git"}, c.Args[0].Value) && !strings.Contains(step.Run.Script, "git describe") && !strings.Contains(step.Run.Script, "git rev-parse")
				})
		case step.Keyword == "ENV":
			return slices.ContainsFunc(step.Words, func(w dockerfile.Word) bool { return strings.HasPrefix(w.Value, "GIT_") })
		}
		return step.Copy != nil && (step.Copy.Makes("/etc/gitconfig") || step.Copy.Makes("/root/.gitconfig"))
	})
}

// gitIn says whether a stage has git at a RUN.
func gitIn(stage *dockerfile.Stage, in *dockerfile.Instruction) presence {
	base := stage.Root().Base
	switch {
	case isDebianGolang(base):
		return presentThere
	case isAlpineGolang(base):
		return provides(stage, in, "git", "alpine-sdk")
	}
	if provides(stage, in, "git") == presentThere {
		return presentThere
	}
	return unsure
}

// repositoryKind is what .dockerignore leaves of a repository.
type repositoryKind int

const (
	noRepository       repositoryKind = iota // nothing
	wholeRepository                          // git reads it
	brokenRepository                         // git does not take it for a repository, or not its last commit
	doubtfulRepository                       // some objects are left out
)

// repositoryState says what .dockerignore leaves of a .git directory, and what it misses. git takes a directory for a
// repository that has a HEAD and the directories objects and refs (gitrepository-layout(5)); what else is left out makes
// it forget, but not fail.
func repositoryState(ctx *dockerfile.Context, dir string) (state repositoryKind, because string) {
	kept, left := map[string]int{}, map[string]int{}
	err := fs.WalkDir(ctx.FS, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ignored, err := ctx.Ignored(name)
		rest := strings.TrimPrefix(name, dir+"/")
		part, _, below := strings.Cut(rest, "/")
		switch {
		case err != nil:
			return err
		case name == dir:
			part = "."
		case d.IsDir() && below: // it comes with what it holds
			return nil
		}
		if ignored {
			left[part]++
		} else {
			kept[part]++
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist), len(left) == 0:
		return wholeRepository, ""
	case len(kept) == 0:
		return noRepository, ""
	}
	ignore := ctx.IgnoreFile + excludes
	for _, part := range []string{"HEAD", "objects", "refs"} {
		if _, err := fs.Stat(ctx.FS, path.Join(dir, part)); err == nil && kept[part] == 0 {
			return brokenRepository, ignore + " " + part
		}
	}
	if left["objects"] > 0 {
		if kept["objects"] <= 1 { // the directory alone
			return brokenRepository, ignore + " all objects"
		}
		return doubtfulRepository, ignore + " some objects"
	}
	return wholeRepository, ""
}
