// Command temp-file writes to the default temporary directory.
package main

import (
	"fmt"
	"os"
)

func main() {
	file, err := os.CreateTemp("", "app-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.Remove(file.Name())
	fmt.Println(file.Name())
}
