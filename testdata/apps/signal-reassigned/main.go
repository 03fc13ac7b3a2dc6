// Command signal-reassigned has its signal in a variable that the environment may change before main.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var stopSignal os.Signal = syscall.SIGTERM

func init() {
	if os.Getenv("STOP_BY_QUIT") != "" {
		stopSignal = syscall.SIGQUIT
	}
}

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, stopSignal)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
}
