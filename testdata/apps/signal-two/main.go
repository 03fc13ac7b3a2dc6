// Command signal-two has two handlers: one stops, one reloads; a third signal is not to disturb.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop, reload := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	signal.Notify(reload, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGALRM)
	signal.Ignore(syscall.SIGPIPE)
	fmt.Println("ready")
	for {
		select {
		case s := <-stop:
			fmt.Println("stopped by", s)
			return
		case s := <-reload:
			fmt.Println("reloaded by", s)
		}
	}
}
