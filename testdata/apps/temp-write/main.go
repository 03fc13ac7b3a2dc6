// Command temp-write writes a file into /tmp by name.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := os.WriteFile("/tmp/app.pid", []byte("1\n"), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
