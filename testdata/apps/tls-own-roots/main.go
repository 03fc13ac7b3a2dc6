// Command tls-own-roots trusts the roots in the file it is given, not the system's.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
)

func get(bundle string) error {
	pem, err := os.ReadFile(bundle)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return errors.New("no certificate in " + bundle)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	response, err := client.Get("https://localhost:8443/")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	return nil
}

func main() {
	if err := get(os.Getenv("APP_ROOTS")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
