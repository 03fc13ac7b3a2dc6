// Command signal-interrupt waits for Ctrl-C only.
package main

import (
	"fmt"
	"os"
	"os/signal"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
}
