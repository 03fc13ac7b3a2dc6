package main

import (
	_ "embed"
	"fmt"
)

//go:embed testdata/words.md
var words string

func main() { fmt.Print("embed-testdata ", words) }
