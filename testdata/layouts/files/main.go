package main

import (
	"fmt"
	"html/template"
	"os"
)

func main() {
	if _, err := template.ParseGlob("web/templates/*.html"); err != nil {
		panic(err)
	}
	if _, err := os.ReadDir("./web/static"); err != nil {
		panic(err)
	}
	words, err := os.ReadFile("words.md")
	if err != nil {
		panic(err)
	}
	fmt.Print(string(words))
}
