// Command plain listens, at ADDRESS or port 8080, and handles no signal; with an argument it fails as programs do that lack
// something, with "warming" only for the first time.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "warming" {
		if _, err := os.Stat("/tmp/warm"); err == nil {
			return
		}
		if err := os.WriteFile("/tmp/warm", nil, 0o600); err != nil {
			log.Fatal(err)
		}
	}
	if len(os.Args) > 1 {
		log.Fatal("error: no database at ", os.Args[1])
	}
	address := os.Getenv("ADDRESS")
	if address == "" {
		address = ":8080"
	}
	log.Fatal(http.ListenAndServe(address, http.NotFoundHandler()))
}
