package rules

import (
	"embed"

	"golang.org/x/tools/txtar"
)

//go:embed testdata/*/example.txtar testdata/buildkit/*/example.txtar
var examples embed.FS

// Example is the case in a rule's documentation: the same that its test runs. Nil if there is none.
func Example(id string) *txtar.Archive {
	b, err := examples.ReadFile("testdata/" + id + "/example.txtar")
	if err != nil {
		return nil
	}
	return txtar.Parse(b)
}
