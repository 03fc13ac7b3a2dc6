package main

import (
	"embed"
	"fmt"
	"os"
)

//go:embed pages
var pages embed.FS

func main() {
	f, _ := pages.ReadFile("pages/größe 1.md")
	g, err := os.ReadFile("daten/größe 2.txt")
	fmt.Print("names ", string(f), string(g), err == nil, "\n")
}
