// Command mime-builtin asks for a type that is built in.
package main

import (
	"fmt"
	"mime"
)

func main() {
	fmt.Println(mime.TypeByExtension(".css"))
}
