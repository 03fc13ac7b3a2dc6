package main

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) > 1 {
		resp, err := http.Get(os.Args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		resp.Body.Close()
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		panic(err)
	}
	fmt.Println("client", !pool.Equal(x509.NewCertPool()))
}
