// Command signal-ignore ignores SIGTERM and SIGPIPE, and handles nothing.
package main

import (
	"fmt"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGPIPE)
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
