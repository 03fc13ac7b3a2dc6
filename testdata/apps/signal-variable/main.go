// Command signal-variable has its signals in a package variable, one of whose elements is copied from another
// variable before main.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var stops = []os.Signal{os.Interrupt, syscall.SIGTERM}

func main() {
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, stops...)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
}
