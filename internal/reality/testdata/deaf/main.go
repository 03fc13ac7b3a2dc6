// Command deaf answers after half a second and handles no signal.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Println("asked")
		time.Sleep(500 * time.Millisecond)
		fmt.Fprint(w, "answered")
	})
	listener, err := net.Listen("tcp", ":8091")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	fmt.Fprintln(os.Stderr, http.Serve(listener, nil))
	os.Exit(1)
}
