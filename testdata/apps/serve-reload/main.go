// Command serve-reload is a server that reloads on SIGHUP, and does not handle what stops it.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	go func() {
		for range reload {
			fmt.Println("reloaded")
		}
	}()
	listener, err := net.Listen("tcp", ":7071")
	for err == nil {
		var c net.Conn
		if c, err = listener.Accept(); err == nil {
			c.Close()
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
