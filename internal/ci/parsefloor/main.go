// Command parsefloor reads every file named Dockerfile below a directory with BuildKit's own parser and the instructions
// package, and does nothing with it: what looking at Dockerfiles costs at least.
//
//	parsefloor DIR
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: parsefloor DIR")
		os.Exit(2)
	}
	files, stages := 0, 0
	err := filepath.WalkDir(os.Args[1], func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "Dockerfile" || d.IsDir() {
			return err
		}
		n, err := read(path)
		files, stages = files+1, stages+n
		return err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "parsefloor:", err)
		os.Exit(1)
	}
	fmt.Printf("%d files, %d stages\n", files, stages)
}

// read parses one file and counts its stages; one that BuildKit refuses has none.
func read(path string) (int, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	result, err := parser.Parse(bytes.NewReader(source))
	if err != nil {
		return 0, nil
	}
	stages, _, err := instructions.Parse(result.AST, nil)
	if err != nil {
		return 0, nil
	}
	return len(stages), nil
}
