// Command exec-absolute runs a program by its path.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	if err := exec.Command("/usr/bin/convert", "-version").Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
