package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/audit"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// moduleRoot is the directory of a stage where the go.mod of the context's root lies for a build command; "" if the
// command reads another go.mod, or that cannot be told.
func moduleRoot(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) string {
	if p.Context == nil || p.Module == nil || !buildsModule(p, stage, in, b) {
		return ""
	}
	for dir := b.Dir; ; dir = path.Dir(dir) {
		if moduleAt(p, stage, in, dir) == "go.mod" {
			return dir
		}
	}
}

// mainsOf are the programs that a build command makes of the context's module; nil where that cannot be told.
func mainsOf(p *audit.Pass, stage *dockerfile.Stage, in *dockerfile.Instruction, b dockerfile.GoBuild) []source.Main {
	root := moduleRoot(p, stage, in, b)
	if root == "" {
		return nil
	}
	mains, err := source.Mains(p.Context.FS)
	if err != nil {
		return nil // pkg/target says what could not be read
	}
	packages := b.Packages
	if len(packages) == 0 {
		packages = []string{"."}
	}
	here := strings.TrimPrefix(strings.TrimPrefix(b.Dir, root), "/")
	var out []source.Main
	for _, m := range mains {
		if slices.ContainsFunc(packages, func(name string) bool { return namesPackage(name, here, m) }) {
			out = append(out, m)
		}
	}
	return out
}

// namesPackage reports whether a word of a go build means a main package: a directory from here, an import path, a file,
// or a pattern with "...".
func namesPackage(name, here string, m source.Main) bool {
	if path.Ext(name) == ".go" {
		name = "./" + path.Dir(name)
	}
	want := m.ImportPath
	if name == "." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		name, want = path.Join(here, name), path.Clean(m.Dir)
	}
	if prefix, all := strings.CutSuffix(name, "..."); all {
		prefix = strings.TrimSuffix(prefix, "/")
		return prefix == "" || prefix == "." || want == prefix || strings.HasPrefix(want, prefix+"/")
	}
	return path.Clean(name) == want
}
