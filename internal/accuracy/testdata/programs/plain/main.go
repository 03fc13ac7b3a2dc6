// Command plain needs nothing.
package main

import (
	"fmt"
	"log"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer: plain")
}
