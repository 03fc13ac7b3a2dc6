// Command writer writes the files that its arguments name, and listens at port 8080 then.
package main

import (
	"log"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	for _, file := range os.Args[1:] {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("new"), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(http.ListenAndServe(":8080", http.NotFoundHandler()))
}
