// Command https-server serves TLS and verifies nobody: a trap for certificate roots.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	err := http.ListenAndServeTLS(":8443", os.Getenv("APP_CERT"), os.Getenv("APP_KEY"), nil)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
