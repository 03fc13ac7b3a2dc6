package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the output of make run into README.md")

var toolchain = regexp.MustCompile(`go1\.[0-9]+(\.[0-9]+)?`)

// TestReadme keeps the terminal example of the README true: it is what `make run` prints here and now, the version of
// the toolchain aside.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "```text\n$ make run\n", "```\n"
	before, rest, ok1 := strings.Cut(string(readme), begin)
	example, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("README.md has no example that begins with %q", begin)
	}
	var out bytes.Buffer
	if err := demo(&out); err != nil {
		t.Fatal(err)
	}
	plain := func(s string) string { return toolchain.ReplaceAllString(s, "GOVERSION") }
	if plain(out.String()) == plain(example) {
		return
	}
	if !*update {
		t.Fatalf("README.md shows something else than make run prints: go test ./internal/demo -update\n%s", out.String())
	}
	text := before + begin + out.String() + end + after
	if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
