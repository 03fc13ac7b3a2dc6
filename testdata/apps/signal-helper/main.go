// Command signal-helper makes its context in a small function that the compiler copies into main.
package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
)

func stoppable(parent context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(parent, syscall.SIGINT, syscall.SIGTERM)
}

func main() {
	ctx, stop := stoppable(context.Background())
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("stopped")
}
