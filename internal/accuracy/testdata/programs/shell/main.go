// Command shell runs a shell.
package main

import (
	"fmt"
	"log"
	"os/exec"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", "echo from the shell").Output()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("answer: %s", out)
}
