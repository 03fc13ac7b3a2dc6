// Command resolver asks libc for an address, where it is linked.
//
//go:debug netdns=cgo
package main

import (
	"fmt"
	"log"
	"net"

	"example.com/accuracy/linked"
)

func main() {
	if err := linked.Check(); err != nil {
		log.Fatal(err)
	}
	all, err := net.LookupHost("db.example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer:", all)
}
