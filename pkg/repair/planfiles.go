package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/imgaudit/imgaudit/pkg/dockerfile"
	"github.com/imgaudit/imgaudit/pkg/source"
)

// maxCopies is how many files and directories are copied one by one at most.
const maxCopies = 24

// pickFiles finds the files of the build context that the run may need: all but those that only people and builds read.
func (m *splitter) pickFiles() error {
	embeds, err := source.Embeds(m.s.Context.FS)
	if err != nil {
		embeds = nil // no module in the root: nothing is known to be embedded
	}
	keep := map[string]bool{} // by path in the stage
	for _, in := range m.final.Instructions {
		if in.Copy == nil || in.Copy.From != nil || in.Copy.FromImage != "" || len(in.Heredocs) > 0 {
			continue
		}
		files, err := m.lands(in)
		if err != nil {
			return err
		}
		for name, to := range files {
			if to == m.start.program {
				continue // an older build of it
			}
			keep[to] = keep[to] || !m.forBuilds(name) && !source.Embedded(embeds, name)
			m.dropped = m.dropped || !keep[to] && !surelyForBuilds(name)
		}
	}
	m.files = group(keep)
	if len(m.files) > maxCopies {
		return m.refuse(m.final.From, "the build context has %d files and directories that the program may read at run time", len(m.files))
	}
	return nil
}

// lands gives where in the stage each file of the context lands that a COPY or ADD takes.
func (m *splitter) lands(in *dockerfile.Instruction) (map[string]string, error) {
	if in.Copy.From != nil || in.Copy.FromImage != "" {
		return nil, nil
	}
	if !in.Copy.Known || in.Copy.Dest == "" {
		return nil, m.refuse(in, "what it copies is not known")
	}
	files, err := m.s.Context.Taken(in, 0)
	if err != nil {
		return nil, m.refuse(in, "%v", err)
	}
	to := map[string]string{}
	for _, name := range files {
		to[name] = in.Copy.Lands(name)
	}
	return to, nil
}

// Names of what only builds and people read: endings, whole names, and directories.
var (
	buildEndings = []string{".go", ".s", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".syso", ".proto", ".http", ".rest", ".dockerignore", ".swp", ".test", ".out", ".exe", ".iml"}
	buildNames   = []string{"go.mod", "go.sum", "go.work", "go.work.sum", "Makefile", "GNUmakefile", "makefile", "Taskfile.yml", "Taskfile.yaml", "justfile", "Justfile", "LICENSE", "LICENCE", "NOTICE",
		"AUTHORS", "CODEOWNERS", "Jenkinsfile", "Procfile", "Vagrantfile", "magefile.go", "renovate.json", "sonar-project.properties", "Containerfile", "Tiltfile", "skaffold.yaml", ".env.example", ".env.sample", "fly.toml"}
	buildDirs = []string{".git", ".github", ".gitlab", ".circleci", ".idea", ".vscode", ".husky", "vendor", "testdata", "node_modules", ".devcontainer", "tmp"}
	starts    = []string{"Dockerfile", "docker-compose", "compose.y", "README", "CHANGELOG", "CONTRIBUTING", "CODE_OF_CONDUCT", "SECURITY", "LICENSE", ".git", ".golangci", ".goreleaser", ".travis", ".gitlab-ci", ".air", "air.toml", ".editorconfig", ".pre-commit", ".docker", ".DS_Store", "sqlc.y", "buf."}
)

// forBuilds reports whether only builds and people read a file of the context.
func (m *splitter) forBuilds(name string) bool {
	base := path.Base(name)
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if slices.Contains(buildDirs, path.Base(dir)) {
			return true
		}
	}
	return slices.Contains(buildNames, base) || slices.Contains(buildEndings, path.Ext(base)) ||
		slices.ContainsFunc(starts, func(s string) bool { return strings.HasPrefix(base, s) }) ||
		base == ".env" && !m.readsDotEnv()
}

// surelyForBuilds reports whether a file is Go source, or what builders and git read: no service does.
func surelyForBuilds(name string) bool {
	base := path.Base(name)
	return path.Ext(base) == ".go" || slices.Contains([]string{"go.mod", "go.sum", "go.work", "go.work.sum", ".dockerignore", ".gitignore", "Makefile"}, base) || strings.HasPrefix(base, "Dockerfile") || strings.HasPrefix(name, ".git/")
}

// dotEnv are modules that read .env files.
var dotEnv = []string{"github.com/joho/godotenv", "github.com/spf13/viper", "github.com/subosito/gotenv", "github.com/caarlos0/env", "github.com/ilyakaznacheev/cleanenv", "github.com/knadh/koanf"}

// readsDotEnv reports whether the program may read a .env file: a module that does is required.
func (m *splitter) readsDotEnv() bool {
	return m.s.Module == nil || slices.ContainsFunc(m.s.Module.Requires, func(r source.Require) bool {
		return slices.ContainsFunc(dotEnv, func(p string) bool { return r.Path == p || strings.HasPrefix(r.Path, p+"/") })
	})
}

// group names the directories of which every file is kept, and the files of the others. All paths are rooted.
func group(keep map[string]bool) []string {
	whole := map[string]bool{} // directories: nothing in them is left behind
	for name := range keep {
		for dir := path.Dir(name); ; dir = path.Dir(dir) {
			if _, seen := whole[dir]; !seen {
				whole[dir] = true
			}
			whole[dir] = whole[dir] && keep[name]
			if dir == "/" {
				break
			}
		}
	}
	var out []string
	for name, kept := range keep {
		if !kept {
			continue
		}
		top := name
		for dir := path.Dir(name); dir != "/" && whole[dir]; dir = path.Dir(dir) {
			top = dir
		}
		out = append(out, top)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
