// Command builder is what the test's Dockerfiles RUN: "secret FILE" keeps the size of a secret, "fail" fails, "hang" does
// not end.
package main

import (
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	switch os.Args[1] {
	case "secret":
		text, err := os.ReadFile(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile("/size", fmt.Appendf(nil, "%d", len(text)), 0o644); err != nil {
			log.Fatal(err)
		}
	case "fail":
		log.Fatal("the builder gives up")
	case "hang":
		fmt.Println("the builder hangs")
		time.Sleep(time.Hour)
	}
}
