// Command udp-client sends a datagram and waits for none: a trap for listening sockets.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	conn, err := net.Dial("udp", "localhost:8125")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "app.started:1|c"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
