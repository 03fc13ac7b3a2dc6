// Command app links net's cgo where there is a C compiler.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	addresses, err := net.LookupHost("127.0.0.1")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("works", addresses)
}
