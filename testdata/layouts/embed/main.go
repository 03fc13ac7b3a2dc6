package main

import (
	"embed"
	"fmt"
)

//go:embed docs/*.md bin/page.html testdata/key.pem
var files embed.FS

//go:embed .env.example
var sample string

func main() {
	n := 0
	for _, name := range []string{"docs/README.md", "bin/page.html", "testdata/key.pem"} {
		b, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		n += len(b)
	}
	fmt.Println("embed", n > 0, sample != "")
}
