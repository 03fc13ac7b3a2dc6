// Command reaps waits for what it started and for what that left behind.
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"example.com/accuracy/children"
)

func main() {
	if children.Part() {
		return
	}
	if err := children.Leave(); err != nil {
		log.Fatal(err)
	}
	ended := make(chan os.Signal, 8)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			for pid := 1; pid > 0; {
				pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			}
		}
	}()
	n, err := children.Zombies()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer:", n, "zombies")
}
