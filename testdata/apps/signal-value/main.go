// Command signal-value calls Notify through a variable, so its list is not seen.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var notify = signal.Notify

func main() {
	stop := make(chan os.Signal, 1)
	notify(stop, syscall.SIGTERM)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
}
