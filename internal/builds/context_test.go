package builds

import (
	"path"
	"regexp"
	"sort"
	"strings"

	"golang.org/x/tools/txtar"

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
			files[strings.TrimPrefix(s.Name, "context/")] = reachable(s.Name, s.Data)
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

var required = regexp.MustCompile(`(?m)^(require\s+|\s+)example\.com/\S+ v\S+.*\n`)

// reachable takes the modules out of a go.mod that nobody serves.
func reachable(name string, data []byte) []byte {
	if path.Base(name) != "go.mod" {
		return data
	}
	return required.ReplaceAll(data, nil)
}

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
