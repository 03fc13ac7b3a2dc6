// Command plain listens and handles no signal; with an argument it fails as programs do that lack something.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) > 1 {
		log.Fatal("error: no database at ", os.Args[1])
	}
	log.Fatal(http.ListenAndServe(":8080", http.NotFoundHandler()))
}
