// Command stubborn listens and ignores every signal that can be ignored.
package main

import (
	"log"
	"net/http"
	"os/signal"
)

func main() {
	signal.Ignore()
	log.Fatal(http.ListenAndServe(":8080", http.NotFoundHandler()))
}
