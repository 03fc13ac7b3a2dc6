// Command orphans waits for what it started, not for what that left behind.
package main

import (
	"fmt"
	"log"

	"example.com/accuracy/children"
)

func main() {
	if children.Part() {
		return
	}
	if err := children.Leave(); err != nil {
		log.Fatal(err)
	}
	n, err := children.Zombies()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer:", n, "zombies")
}
