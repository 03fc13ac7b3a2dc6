// Command ready says so and waits for a signal that asks it to stop.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGQUIT)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
}
