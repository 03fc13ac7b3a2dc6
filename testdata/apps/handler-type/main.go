// Command handler-type serves by a method that is called through an interface only, and looks a user up there.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/user"
)

type handler struct{ name string }

func (h *handler) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	found, err := user.Lookup(h.name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, found.Uid)
}

func main() {
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":8080", &handler{name: "root"}))
	os.Exit(1)
}
