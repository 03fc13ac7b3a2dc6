// Command service needs CA roots, a directory for temporary files and time zones for each request, and takes its stop
// signal in order.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func answer(w http.ResponseWriter, _ *http.Request) {
	if err := work(w); err != nil {
		log.Println("error:", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func work(w http.ResponseWriter) error {
	f, err := os.CreateTemp("", "answer")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	response, err := http.Get("https://api.example.com/")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = fmt.Fprintln(w, time.Now().In(zone), response.Status)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Addr: ":8080", Handler: http.HandlerFunc(answer)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-done
}
