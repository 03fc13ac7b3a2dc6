// Command exec-dynamic runs what its environment names, and looks for git without insisting on it.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	if git, err := exec.LookPath("git"); err == nil {
		fmt.Println(git)
	}
	if hook := os.Getenv("APP_HOOK"); hook != "" {
		if err := exec.Command(hook).Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
