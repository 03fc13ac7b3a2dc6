// Command tls verifies a TLS server.
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
	resp, err := http.Get("https://api.example.com/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println("answer:", resp.StatusCode)
}
