// Command expired asks a server whose authority has ended for a page.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get("https://localhost:8444/")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}
