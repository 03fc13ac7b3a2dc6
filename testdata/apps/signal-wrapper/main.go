// Command signal-wrapper hands its signals to a function that waits for them.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	fmt.Println("got", wait(syscall.SIGQUIT, syscall.SIGTERM))
}

//go:noinline
func wait(signals ...os.Signal) os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, signals...)
	fmt.Println("ready")
	return <-c
}
