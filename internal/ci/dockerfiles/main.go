// Command dockerfiles writes a tree of Dockerfiles out of the rules' own cases, each with its build context in a directory
// of its own: what the speed of a directory run is measured on.
//
//	dockerfiles [-n FILES] CASES DIR
//
// CASES is pkg/rules/testdata. Of all cases the FILES with the largest Dockerfiles are taken; two of the same text are one.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

func main() {
	most := flag.Int("n", 150, "how many Dockerfiles to write")
	flag.Parse()
	if flag.NArg() != 2 || *most < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(flag.Arg(0), flag.Arg(1), *most); err != nil {
		fmt.Fprintln(os.Stderr, "dockerfiles:", err)
		os.Exit(1)
	}
}

// service is one Dockerfile with the files of its build context.
type service struct {
	name       string
	dockerfile []byte
	files      map[string][]byte
}

func write(cases, dir string, most int) error {
	services, err := read(cases)
	if err != nil {
		return err
	}
	if len(services) < most {
		return fmt.Errorf("reading %s: only %d Dockerfiles, fewer than %d", cases, len(services), most)
	}
	bytes := 0
	for _, s := range services[:most] {
		bytes += len(s.dockerfile)
		s.files["Dockerfile"] = s.dockerfile
		for name, data := range s.files {
			path := filepath.Join(dir, s.name, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%d Dockerfiles, %d bytes\n", most, bytes)
	return nil
}

// read lists the distinct Dockerfiles of the cases, the largest first.
func read(cases string) ([]service, error) {
	names, err := filepath.Glob(filepath.Join(cases, "*", "*.txtar"))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []service
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		rel, err := filepath.Rel(cases, strings.TrimSuffix(name, ".txtar"))
		if err != nil {
			return nil, err
		}
		s := service{name: rel, files: map[string][]byte{}}
		for _, f := range archive.Files {
			switch rest, inContext := strings.CutPrefix(f.Name, "context/"); {
			case f.Name == "Dockerfile":
				s.dockerfile = f.Data
			case f.Name == ".dockerignore":
				s.files[f.Name] = f.Data
			case inContext && filepath.IsLocal(rest):
				s.files[rest] = f.Data
			case f.Name == "context":
				for _, path := range strings.Fields(string(f.Data)) {
					if filepath.IsLocal(path) && s.files[path] == nil {
						s.files[path] = []byte("x\n")
					}
				}
			}
		}
		if len(s.dockerfile) == 0 || seen[string(s.dockerfile)] {
			continue
		}
		seen[string(s.dockerfile)] = true
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b service) int { return cmp.Compare(len(b.dockerfile), len(a.dockerfile)) })
	return out, nil
}
