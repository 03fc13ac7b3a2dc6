// Command types asks for the type of a file that Go itself does not know.
package main

import (
	"fmt"
	"log"
	"mime"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	if kind := mime.TypeByExtension(".epub"); kind != "" {
		fmt.Println("answer:", kind)
		return
	}
	fmt.Println("answer: no type")
}
