// Command port listens at a port that only root may take, on a kernel that is not told otherwise.
package main

import (
	"fmt"
	"log"
	"net"
)

func main() {
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fmt.Println("answer: listening")
}
