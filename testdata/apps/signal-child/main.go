// Command signal-child sends signals to a child and handles none itself.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	child := exec.Command(os.Args[1], os.Args[2:]...)
	if err := child.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err := child.Process.Signal(os.Interrupt); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	fmt.Println(child.Wait())
}
