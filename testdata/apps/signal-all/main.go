// Command signal-all waits for any signal: without a list Notify catches all.
package main

import (
	"fmt"
	"os"
	"os/signal"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop)
	fmt.Println("ready")
	fmt.Println("got", <-stop)
}
