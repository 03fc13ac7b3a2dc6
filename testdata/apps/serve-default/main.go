// Command serve-default serves the default mux, with the profiles on it.
package main

import (
	"fmt"
	"net/http"
	_ "net/http/pprof"
	"os"
)

func main() {
	if err := http.ListenAndServe(":6060", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
