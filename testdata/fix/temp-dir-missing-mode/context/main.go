package main

import (
	"fmt"
	"os"
)

func main() {
	f, err := os.CreateTemp("", "app-*")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer f.Close()
	info, err := os.Stat("/tmp")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("works", info.Mode())
}
