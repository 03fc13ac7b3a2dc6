package rules

import (
	"go/version"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// builder is the Go toolchain of a build stage.
type builder struct {
	release  string                  // "go1.25.3", or "go1.25" when the patch release is not pinned
	from     *dockerfile.Instruction // what chose it: FROM, or ENV
	text     string                  // as it is written there
	local    bool                    // go.mod cannot make it fetch another toolchain
	official bool                    // the official image, whose settings are known
}

// exact says whether the patch release is known.
func (b *builder) exact() bool { return b.release != version.Lang(b.release) }

var golangTag = lazyregexp.New(`^1\.[0-9]+(\.[0-9]+|rc[0-9]+|beta[0-9]+)?$`)

// builderOf returns the toolchain that a go build command runs, nil if it is not known. The official golang images set
// GOTOOLCHAIN=local since 1.21, the release that knows it.
func builderOf(stage *dockerfile.Stage, b dockerfile.GoBuild) *builder {
	root := stage.Root()
	out := &builder{from: root.From, text: root.Base}
	if slices.Contains(b.Unknown, "GOTOOLCHAIN") {
		return nil
	}
	name, _, _ := strings.Cut(root.Base, "@")
	repository, tag, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	tag, _, _ = strings.Cut(tag, "-")
	if repository == "golang" {
		out.local = true
		out.official = name[:strings.LastIndexByte(name, '/')+1] == "" || strings.HasSuffix(path.Dir(name), "library")
	} else {
		i := slices.IndexFunc(stage.Env, func(v dockerfile.EnvVar) bool { return v.Key == "GOLANG_VERSION" && v.Known })
		if i < 0 {
			return nil
		}
		tag = stage.Env[i].Value
		if by := stage.Env[i].By; by != nil {
			out.from = by
		}
		out.text = "GOLANG_VERSION=" + tag
	}
	if !golangTag.MatchString(tag) {
		return nil
	}
	out.release = "go" + tag
	if asked, ok := b.Env["GOTOOLCHAIN"]; ok && asked != "" {
		out.local, out.official = asked == "local", true
	}
	return out
}

// buildsModule says whether a build command surely reads the go.mod in the root of the context.
func buildsModule(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) bool {
	_, other := b.Flag("modfile")
	if b.Dir == "" || other || b.Env["GO111MODULE"] == "off" || slices.ContainsFunc(b.Packages, func(s string) bool { return strings.Contains(s, "@") }) {
		return false
	}
	for dir := b.Dir; ; dir = path.Dir(dir) {
		switch found := moduleAt(p, stage, in, dir); {
		case found == "go.mod":
			return true
		case found != "" || dir == "/":
			return false
		}
	}
}

// moduleAt returns where in the context the go.mod of a directory of the stage comes from, "" if it has none, and
// "unknown" if that cannot be told.
func moduleAt(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, dir string) string {
	for _, m := range in.Run.Mounts {
		if m.Type == "bind" && m.From == "" && path.Join(dir, m.Target) == dir && path.Join("/", m.Source) == "/" {
			return "go.mod"
		}
	}
	file := path.Join(dir, "go.mod")
	for s := stage; s != nil; s = s.Parent {
		for _, step := range slices.Backward(s.Instructions) {
			c := step.Copy
			if c == nil || !c.Covers(file) {
				continue
			}
			from := strings.TrimPrefix(c.Source(file), "/")
			if from == "" || c.From != nil || c.FromImage != "" {
				return "unknown"
			}
			if _, err := fs.Stat(p.Context.FS, from); err == nil {
				return from
			}
		}
	}
	return ""
}
