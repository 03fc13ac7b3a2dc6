// Command signal-configured is told on its command line which signals to wait for.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	var signals []os.Signal
	for _, arg := range os.Args[1:] {
		if n, err := strconv.Atoi(arg); err == nil {
			signals = append(signals, syscall.Signal(n))
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, signals...)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
}
