// Command exec-self replaces itself by a program with a fixed path.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	if path, err := exec.LookPath("git"); err == nil {
		fmt.Println("git is", path)
	}
	err := syscall.Exec("/usr/bin/env", []string{"env"}, os.Environ())
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
