package main

import (
	"fmt"
	"os"
)

func main() {
	info, err := os.Stat("/usr/bin/id")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("mode", info.Mode())
}
