// Command temp-dir-named needs a directory of its own to write to.
package main

import (
	"fmt"
	"os"
)

func main() {
	dir, err := os.MkdirTemp("/var/lib/app", "job-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	fmt.Println(dir)
}
