package main

import (
	"embed"
	"fmt"
)

//go:embed web/dist
var web embed.FS

func main() {
	f, err := web.ReadFile("web/dist/index.html")
	fmt.Print("embed-ignored ", string(f), err == nil, "\n")
}
