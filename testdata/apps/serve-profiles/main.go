// Command serve-profiles registers the profiles on a mux of its own and serves it, beside a second port.
package main

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"os"
)

func main() {
	go func() {
		server := &http.Server{Addr: ":9090", Handler: http.NotFoundHandler()}
		fmt.Fprintln(os.Stderr, server.ListenAndServe())
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	server := &http.Server{Addr: ":8080", Handler: mux}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
