// Command hello serves the page of package hello and has no idea of signals: SIGTERM ends it in the middle of whatever
// it is doing. Command right is the same service, done properly.
package main

import (
	"log"
	"net/http"
	"time"

	"hello.test/hello/hello"
)

func main() {
	server := &http.Server{Addr: hello.Addr(), Handler: hello.Handler(), ReadHeaderTimeout: 5 * time.Second}
	log.Printf("listening on %s", server.Addr)
	log.Fatal(server.ListenAndServe())
}
