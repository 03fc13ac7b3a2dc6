// Command fallback brings certificate roots for the case that the system has none.
package main

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
)

// bundle is the roots' PEM in base64; the linker sets it.
var bundle string

func init() {
	text, err := base64.StdEncoding.DecodeString(bundle)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	x509.SetFallbackRoots(roots)
}

func main() {
	response, err := http.Get("https://localhost:8443/")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}
