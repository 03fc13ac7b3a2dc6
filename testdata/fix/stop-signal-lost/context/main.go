// Command app runs until it is asked to stop.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	fmt.Println("running", os.Args[1:])
	<-stop
	fmt.Println("stopped")
}
