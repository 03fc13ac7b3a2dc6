// Command signal-user handles SIGHUP and SIGUSR1, and nothing that stops a service.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP, syscall.SIGUSR1)
	fmt.Println("ready")
	fmt.Println("got", <-reload)
}
