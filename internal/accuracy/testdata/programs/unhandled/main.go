// Command unhandled serves and knows of no signal.
package main

import (
	"fmt"
	"log"
	"net/http"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer: serving")
	log.Fatal(http.ListenAndServe(":8080", nil))
}
