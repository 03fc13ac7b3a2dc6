// Command temp makes a temporary file.
package main

import (
	"fmt"
	"log"
	"os"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	f, err := os.CreateTemp("", "accuracy")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString("some"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer: written")
}
