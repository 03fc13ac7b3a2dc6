package builds

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/imgaudit/imgaudit/internal/lab"
	"github.com/imgaudit/imgaudit/pkg/dockerfile"
)

// placeholder is what the files of a rule case hold that only have a name.
const placeholder = "x\n"

// contextOf makes the build context of a rule case. Where the case only names its files, or has no context at all, they
// become the smallest ones that compile: what its Dockerfile copies and the main packages that its go build names.
func contextOf(a *txtar.Archive, f *dockerfile.File) map[string][]byte {
	files := map[string][]byte{}
	given := false
	for _, s := range a.Files {
		switch {
		case s.Name == "context":
			given = true
			for _, name := range strings.Fields(string(s.Data)) {
				if files[name] == nil {
					files[name] = []byte(placeholder)
				}
			}
		case strings.HasPrefix(s.Name, "context/"):
			files[strings.TrimPrefix(s.Name, "context/")] = named(s.Data)
		case s.Name == ".dockerignore":
			files[s.Name] = s.Data
		}
	}
	if !given {
		imagine(files, f)
	}
	fillIn(files, f)
	return files
}

// named is what a file holds, placeholder if the case only says that it is there.
func named(data []byte) []byte {
	if strings.TrimSpace(string(data)) == strings.TrimSpace(placeholder) {
		return []byte(placeholder)
	}
	return data
}

var makes = regexp.MustCompile(`(^|&& )make$`)

// imagine adds the files that a Dockerfile takes for there.
func imagine(files map[string][]byte, f *dockerfile.File) {
	add := func(name string) {
		if files[name] == nil {
			files[name] = []byte(placeholder)
		}
	}
	add("go.mod")
	add("go.sum")
	mains := false
	each(f, func(in *dockerfile.Instruction) {
		if in.Run != nil {
			if makes.MatchString(in.Run.Script) {
				files["Makefile"] = []byte("all:\n\tCGO_ENABLED=0 go build -o /app .\n")
			}
			for _, b := range in.Run.Builds {
				for _, p := range b.Packages {
					if dir := path.Clean(p); dir != "." && !strings.HasPrefix(dir, "..") && !strings.Contains(dir, "...") && !path.IsAbs(dir) && !strings.ContainsAny(dir, "$@") {
						add(path.Join(dir, "main.go"))
						mains = true
					}
				}
			}
		}
		if in.Copy == nil || in.Copy.From != nil || in.Copy.FromImage != "" || !in.Copy.Known {
			return
		}
		for _, src := range in.Copy.Sources {
			switch name := path.Clean(strings.TrimPrefix(src, "/")); {
			case name == "." || strings.ContainsAny(name, "*?[:") || strings.HasPrefix(name, ".."):
			case strings.HasSuffix(src, "/") || path.Ext(name) == "" && in.Copy.DestDir:
				add(path.Join(name, "file"))
			case path.Ext(name) == "":
				if !below(files, name) {
					add(name)
				}
			default:
				add(name)
			}
		}
	})
	if !mains || files["main.go"] != nil {
		add("main.go")
	}
}

// fillIn gives the files that only have a name a content that compiles.
func fillIn(files map[string][]byte, f *dockerfile.File) {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	started := map[string]bool{} // directories that have their func main
	for _, name := range names {
		if string(files[name]) != placeholder {
			started[path.Dir(name)] = started[path.Dir(name)] || strings.Contains(string(files[name]), "func main()")
		}
	}
	for _, name := range names {
		if string(files[name]) != placeholder {
			continue
		}
		dir := path.Dir(name)
		switch {
		case path.Base(name) == "go.mod":
			files[name] = []byte("module example.com/" + path.Join("app", dir) + "\n\ngo 1.21\n")
		case path.Base(name) == "go.sum":
			files[name] = nil
		case strings.HasSuffix(name, "_test.go"):
			files[name] = []byte("package main\n")
		case path.Ext(name) == ".go" && !started[dir] && (dir == "." || path.Base(name) == "main.go"):
			started[dir] = true
			files[name] = []byte("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n")
		case path.Ext(name) == ".go" && started[dir]:
			files[name] = []byte("package main\n")
		case path.Ext(name) == ".go":
			files[name] = []byte("package " + strings.ReplaceAll(path.Base(dir), "-", "") + "\n")
		case path.Ext(name) == ".sh":
			files[name] = []byte("#!/bin/sh\n")
		}
	}
}

func below(files map[string][]byte, dir string) bool {
	for name := range files {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

func each(f *dockerfile.File, do func(*dockerfile.Instruction)) {
	for _, s := range f.Stages {
		for _, in := range s.Instructions {
			do(in)
		}
	}
}

// writeContext writes the files of a context. Of a .git that is only named it makes a repository with one commit, and a go.sum
// for what go.mod requires.
func writeContext(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	repository := string(files[".git/HEAD"]) == placeholder
	for name, data := range files {
		if !repository || !strings.HasPrefix(name, ".git/") || string(data) != placeholder {
			write(t, dir, name, data)
		}
	}
	requireModules(t, dir, files)
	if repository {
		makeRepository(t, dir)
	}
}

// makeRepository commits all that a directory has.
func makeRepository(t *testing.T, dir string) {
	t.Helper()
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "commit", "-q", "-m", "all"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %s", args, out)
		}
	}
}

var (
	fromOutside = regexp.MustCompile(`(?m)^\s*(_ )?"[a-z]+\.(com|org|in)/`)
	requiring   = regexp.MustCompile(`(?m)^(require\s+|\s+)[a-z.]+/\S+ v`)
)

// requireModules writes the go.sum of every module of a context, and the requirements of its go.mod where the case has left them
// out. What the module cache lacks is downloaded, as modules of a build always are; modules that were made up stay out of the
// cache.
func requireModules(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	cache := ""
	for name, mod := range files {
		at := path.Dir(name)
		run := func(env []string, args ...string) {
			cmd := exec.Command("go", args...)
			cmd.Dir = filepath.Join(dir, filepath.FromSlash(at))
			cmd.Env = append(os.Environ(), append(env, "GOWORK=off", "GOTOOLCHAIN=local")...)
			_, _ = cmd.CombinedOutput() // what cannot be downloaded fails the build, with better words
		}
		switch {
		case path.Base(name) != "go.mod":
		case fromOutside.Match(files[path.Join(at, "main.go")]) && !requiring.Match(mod):
			run([]string{"GOFLAGS=-mod=mod"}, "mod", "tidy")
		case requiring.Match(mod) && len(files[path.Join(at, "go.sum")]) == 0:
			if cache == "" {
				cache = t.TempDir()
			}
			run([]string{"GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE=" + cache, "GOPROXY=http://" + lab.ModulesAt, "GOSUMDB=off"}, "mod", "download", "all")
		}
	}
}
