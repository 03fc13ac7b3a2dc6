// Command http-health asks a server on the same machine whether it is well, without TLS: nearly a trap.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get("http://localhost:8080/healthz")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}
