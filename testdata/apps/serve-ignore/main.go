// Command serve-ignore is a server that SIGTERM does not reach.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGTERM)
	listener, err := net.Listen("tcp", ":7072")
	for err == nil {
		var c net.Conn
		if c, err = listener.Accept(); err == nil {
			c.Close()
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
