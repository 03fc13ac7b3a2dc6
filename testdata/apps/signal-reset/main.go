// Command signal-reset handles SIGTERM once, and then no longer.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
	signal.Reset(syscall.SIGTERM, syscall.SIGHUP)
}
