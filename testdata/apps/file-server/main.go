// Command file-server serves a directory: the types of its files come from their extensions.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.Handle("/", http.FileServer(http.Dir("/srv/www")))
	if err := http.ListenAndServe("127.0.0.1:8097", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
