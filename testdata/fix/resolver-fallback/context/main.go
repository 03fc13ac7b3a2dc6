package main

import (
	"fmt"
	"net"
	"os"
	"runtime/debug"
)

func main() {
	if _, err := net.LookupHost("localhost"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-tags" || s.Key == "CGO_ENABLED" {
			fmt.Println(s.Key, s.Value)
		}
	}
}
