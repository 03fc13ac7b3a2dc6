// Command http-proxy serves and asks another server for what it serves, until it is asked to stop.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func run(ctx context.Context) error {
	upstream, err := url.Parse(os.Getenv("APP_UPSTREAM"))
	if err != nil {
		return fmt.Errorf("reading APP_UPSTREAM: %w", err)
	}
	server := &http.Server{
		Addr:              ":8080",
		Handler:           httputil.NewSingleHostReverseProxy(upstream),
		ReadHeaderTimeout: 5 * time.Second,
	}
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			slog.Error("stopping", "err", err)
		}
	})
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
