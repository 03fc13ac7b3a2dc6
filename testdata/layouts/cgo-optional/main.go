package main

import (
	"fmt"
	"net"
	"os/user"
)

func main() {
	_, _ = net.LookupHost("localhost")
	_, _ = user.Lookup("nonroot")
	fmt.Println("cgo-optional", pure)
}
