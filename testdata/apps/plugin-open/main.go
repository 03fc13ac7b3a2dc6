// Command plugin-open loads code at run time, which it cannot without cgo.
package main

import (
	"fmt"
	"os"
	"plugin"
)

func main() {
	if _, err := plugin.Open("/plugin.so"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
