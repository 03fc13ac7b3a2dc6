// Command abrupt listens at port 8080, and handles its stop signal by ending at once, whatever it is doing.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go func() { log.Fatal(http.ListenAndServe(":8080", http.NotFoundHandler())) }()
	<-ctx.Done()
}
