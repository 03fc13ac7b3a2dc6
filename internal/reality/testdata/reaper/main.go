// Command reaper starts a program that leaves another one behind, and waits for all.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		leave(os.Args[1])
		return
	}
	ended := make(chan os.Signal, 8)
	signal.Notify(ended, syscall.SIGCHLD)
	if err := exec.Command("/app", "parent").Run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		for range ended {
			for pid := 1; pid > 0; {
				pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			}
		}
	}()
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
