// Command tls-insecure-if verifies unless it is told not to.
package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
)

func main() {
	config := &tls.Config{}
	if os.Getenv("APP_INSECURE") != "" {
		config.InsecureSkipVerify = true
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	response, err := client.Get("https://localhost:8443/")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}
