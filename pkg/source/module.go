// Package source reads the Go module that a Dockerfile builds.
//
// It must never run a command, follow a path out of the directory it was given, or judge.
package source

import (
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// Module is what of a go.mod decides which toolchain can build it. Source: go.dev/ref/mod, "go.mod files".
type Module struct {
	Path      string `json:"path,omitempty"`      // "example.com/app"
	Go        string `json:"go,omitempty"`        // the go line, "1.25.0"; "" if there is none: go takes that for 1.16
	Toolchain string `json:"toolchain,omitempty"` // the toolchain line, "go1.26.1"
	GoLine    int    `json:"goLine,omitempty"`    // the number of the go line, from 1
}

// maxModFile is the largest go.mod that is read, in bytes; that of kubernetes has 30 KiB.
const maxModFile = 4 << 20

// ReadModule reads go.mod in the root of a directory. Without one the error is fs.ErrNotExist.
func ReadModule(dir fs.FS) (*Module, error) {
	f, err := dir.Open("go.mod")
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxModFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	if len(b) > maxModFile {
		return nil, fmt.Errorf("reading go.mod: more than %d bytes", maxModFile)
	}
	return ParseModule(b), nil
}

// ParseModule reads the text of a go.mod. Lines that do not decide are not looked at, and nothing is an error: go build
// judges them.
func ParseModule(text []byte) *Module {
	m := &Module{}
	block, number := "", 0 // the keyword of the parentheses that we are in
	for line := range strings.Lines(string(text)) {
		number++
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == ")":
			block = ""
		case block != "":
			m.set(block, words[0], number)
		case len(words) == 2 && words[1] == "(":
			block = words[0]
		case len(words) == 2:
			m.set(words[0], words[1], number)
		}
	}
	return m
}

// set takes one line, its value perhaps in quotes.
func (m *Module) set(keyword, value string, number int) {
	if s, err := strconv.Unquote(value); err == nil {
		value = s
	}
	switch keyword {
	case "module":
		m.Path = value
	case "go":
		m.Go, m.GoLine = value, number
	case "toolchain":
		m.Toolchain = value
	}
}
