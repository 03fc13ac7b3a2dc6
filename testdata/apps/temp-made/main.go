// Command temp-made makes the directory below /tmp that it writes to.
package main

import (
	"fmt"
	"os"
)

func main() {
	err := os.MkdirAll("/tmp/app/spool", 0o755)
	if err == nil {
		err = os.WriteFile("/tmp/app/spool/first", nil, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
