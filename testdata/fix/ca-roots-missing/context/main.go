// Command app calls an HTTPS server whose authority is in the bundle of the build stage.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	res, err := http.Get("https://127.0.0.1:8443/")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	res.Body.Close()
	fmt.Println("works", res.Status)
}
