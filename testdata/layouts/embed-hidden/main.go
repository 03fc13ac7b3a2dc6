package main

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed all:site
var site embed.FS

func main() {
	n := 0
	_ = fs.WalkDir(site, ".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	fmt.Println("embed-hidden", n)
}
