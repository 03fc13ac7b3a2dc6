// Command user looks its user up.
package main

import (
	"fmt"
	"log"
	"os/user"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	u, err := user.Current()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer:", u.Uid)
}
