// Command orphan starts a program that leaves another one behind, and waits for the first only.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		leave(os.Args[1])
		return
	}
	if err := exec.Command("/app", "parent").Run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	time.Sleep(500 * time.Millisecond)
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

func leave(role string) {
	if role == "parent" {
		if err := exec.Command("/app", "orphan").Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	time.Sleep(100 * time.Millisecond)
}
