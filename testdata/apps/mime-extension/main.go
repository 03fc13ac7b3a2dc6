// Command mime-extension needs the type of an extension that Go does not know by itself.
package main

import (
	"fmt"
	"mime"
	"os"
)

func main() {
	kind := mime.TypeByExtension(".epub")
	if kind == "" {
		fmt.Fprintln(os.Stderr, "no type for .epub")
		os.Exit(1)
	}
	fmt.Println(kind)
}
