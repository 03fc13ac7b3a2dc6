package repair

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// ignored are the patterns of a generated ignore file, with why; each matches at any depth.
var ignored = []Pattern{
	{"**/.git", "version control: the program is built without it, and its history holds what was deleted"},
	{"**/.env", "secrets"},
	{"**/.env.*", ""},
	{"**/.netrc", ""},
	{"**/.npmrc", ""},
	{"**/*.pem", ""},
	{"**/*.key", ""},
	{"**/id_rsa", ""},
	{"**/id_ed25519", ""},
	{"**/.aws", ""},
	{"**/.ssh", ""},
	{"**/.docker", ""},
	{"**/.kube", ""},
	{"**/kubeconfig", ""},
	{"**/.gitignore", "what changes without changing the program"},
	{"**/.github", ""},
	{"**/.idea", ""},
	{"**/.vscode", ""},
	{"**/.DS_Store", ""},
	{"**/*.md", ""},
	{"**/*_test.go", ""},
	{"**/*.test", ""},
	{"**/*.out", ""},
	{"**/Dockerfile*", ""},
	{"**/*.dockerignore", ""},
	{"**/.dockerignore", ""},
	{"**/compose*.y*ml", ""},
	{"**/docker-compose*.y*ml", ""},
	{"**/node_modules", ""},
}

// built are directories that hold build output in most projects; one that holds Go source is left in.
var built = []string{"bin", "dist", "out", "tmp"}

// ignore plans the ignore file: what no build needs, but never what this one does. A file that exists is kept and added to.
func (g *generator) ignore() error {
	if g.Context == nil {
		return nil
	}
	name := g.Ignore
	if name == "" {
		name = ".dockerignore"
	}
	have, err := fs.ReadFile(g.Context, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	patterns := g.patterns()
	if err == nil {
		patterns = merge(string(have), patterns)
	}
	if g.Main == nil {
		if err != nil && g.Prebuilt != "" {
			patterns = []Pattern{{"*", "the program is all that the image takes"}, {"!" + g.Prebuilt, ""}}
		}
		if err == nil && g.Prebuilt != "" {
			g.plan.Ignore, err = except(merge(string(have), nil), []string{g.Prebuilt})
			return err
		}
		g.plan.Ignore = patterns
		return nil
	}
	if vendor := path.Join(g.ModuleDir, "vendor"); g.has(path.Join(vendor, "modules.txt")) {
		patterns = append(patterns, Pattern{"!" + vendor + "/**", "all of it is built or embedded, and checked against go.mod"})
	}
	needed, err := g.needed()
	if err != nil {
		return err
	}
	g.plan.Ignore, err = except(patterns, needed)
	return err
}

// patterns are the lines for this context.
func (g *generator) patterns() []Pattern {
	all := slices.Clone(ignored)
	first := true
	for _, dir := range built {
		if fi, err := fs.Stat(g.Context, path.Join(g.ModuleDir, dir)); err != nil || !fi.IsDir() || g.hasGo(path.Join(g.ModuleDir, dir)) {
			continue
		}
		p := Pattern{Text: path.Join(g.ModuleDir, dir)}
		if first {
			p.Serves, first = "build output", false
		}
		all = append(all, p)
	}
	return all
}

// hasGo reports whether a directory has Go source in it.
func (g *generator) hasGo(dir string) bool {
	found := errors.New("found")
	err := fs.WalkDir(g.Context, dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".go" {
			return found
		}
		return nil
	})
	return err != nil
}

// merge adds what an ignore file lacks to it.
func merge(have string, patterns []Pattern) []Pattern {
	var out []Pattern
	var old []string
	for line := range strings.Lines(have) {
		line = strings.TrimRight(line, "\r\n")
		out = append(out, Pattern{Text: line})
		old = append(old, strings.Trim(strings.TrimSpace(line), "/"))
	}
	added := false
	for _, p := range patterns {
		if !slices.Contains(old, p.Text) && !slices.Contains(old, "!"+p.Text) {
			if !added {
				p.Serves, added = "added: "+cmp.Or(p.Serves, "what no build needs"), true
			}
			out = append(out, p)
		}
	}
	return out
}

// needed are the files of the context that the build surely reads: module files, Go source and embedded files.
func (g *generator) needed() ([]string, error) {
	var embeds []string
	for _, dir := range g.moduleDirs() {
		sub, err := fs.Sub(g.Context, dir)
		if err != nil {
			return nil, err
		}
		patterns, err := source.Embeds(sub)
		if err != nil {
			return nil, err
		}
		for _, e := range patterns {
			if bare, hidden := strings.CutPrefix(e, "all:"); hidden {
				embeds = append(embeds, "all:"+path.Join(dir, bare))
			} else {
				embeds = append(embeds, path.Join(dir, bare))
			}
		}
	}
	var all []string
	const most = 200_000
	err := fs.WalkDir(g.Context, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" && !source.Embedded(embeds, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if len(all) > most {
			return fmt.Errorf("more than %d files", most)
		}
		base := path.Base(name)
		code := slices.Contains([]string{".go", ".s", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".syso", ".f", ".m", ".swig"}, path.Ext(base)) && !strings.HasSuffix(base, "_test.go")
		module := slices.Contains([]string{"go.mod", "go.sum", "go.work", "go.work.sum"}, base)
		if module || code || source.Embedded(embeds, name) || slices.ContainsFunc(g.read, func(f string) bool {
			f = path.Join(g.ModuleDir, f)
			return name == f || strings.HasPrefix(name, f+"/") && path.Base(name)[0] != '.'
		}) {
			all = append(all, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking through the build context: %w", err)
	}
	return all, nil
}

// readFiles finds what the program reads of its source when it runs: files that it names and does not embed.
func (g *generator) readFiles() {
	if g.Uses == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(g.Uses.Files)) {
		if source.Embedded(g.Uses.Embeds, name) || slices.ContainsFunc(g.Uses.Embeds, func(e string) bool { return strings.HasPrefix(strings.TrimPrefix(e, "all:"), name+"/") }) {
			continue
		}
		if base := path.Base(name); base[0] == '.' || slices.Contains([]string{".pem", ".key", ".p12", ".pfx", ".jks"}, path.Ext(base)) {
			g.note("%s is read by the program (%s) and may be a secret: it is not in the image, mount it when the service runs", name, g.Uses.Files[name])
			continue
		}
		if below := path.Join(g.ModuleDir, name); g.hasGo(below) {
			g.note("%s is read by the program (%s) and holds Go source: copy what it reads of it", name, g.Uses.Files[name])
			continue
		}
		g.read = append(g.read, name)
	}
	g.read = slices.CompactFunc(g.read, func(a, b string) bool { return strings.HasPrefix(b, a+"/") })
}

// except has the patterns leave out nothing that is needed.
func except(patterns []Pattern, needed []string) ([]Pattern, error) {
	var text strings.Builder
	for _, p := range patterns {
		text.WriteString(p.Text + "\n")
	}
	c, err := dockerfile.NewContext("", &overlay{FS: empty{}, files: map[string][]byte{".dockerignore": []byte(text.String())}}, "")
	if err != nil {
		return nil, err
	}
	first := true
	for _, name := range needed {
		gone, err := c.Ignored(name)
		if err != nil {
			return nil, err
		}
		if !gone {
			continue
		}
		p := Pattern{Text: "!" + name}
		if first {
			p.Serves, first = "but the build reads these", false
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// empty is a directory without anything.
type empty struct{}

func (empty) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
