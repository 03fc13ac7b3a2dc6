package main

import (
	"fmt"
	"mime"
)

func main() {
	fmt.Println("mime", mime.TypeByExtension(".html"))
}
