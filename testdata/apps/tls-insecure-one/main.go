// Command tls-insecure-one does not verify one of the servers that it talks to.
package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
)

func main() {
	careless := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, get := range []func() (*http.Response, error){
		func() (*http.Response, error) { return careless.Get("https://localhost:8443/") },
		func() (*http.Response, error) { return http.Get("https://localhost:8443/") },
	} {
		response, err := get()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		response.Body.Close()
		fmt.Println(response.Status)
	}
}
